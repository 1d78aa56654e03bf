"""What libraries advise of their own accord, and does not apply here."""

import logging
import warnings


def quieten_libraries() -> None:
    """Silence advice that does not apply: data come from memory, and validation is four images."""
    for library in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(library).setLevel(logging.WARNING)
    for message in (
        ".*does not have many workers.*",
        ".*smaller than the logging interval.*",
        ".*lr_scheduler.step.*",
        ".*Checkpoint directory.*exists.*",
        ".*LeafSpec.*",
        ".*recommended to use `self.log.*sync_dist=True.*",  # all processes log the same
    ):
        warnings.filterwarnings("ignore", message=message)
