"""A set of synthetic images: generated from a seed at first use, then read like any other set.

Images: `train + val + test` PNG files, `size` pixels square, in a folder per generator version, count, size and seed.
Labels: the vessels as they were generated; no second observer.
Masks: the field of view as it was generated.
Licence: the project's (MIT); nothing in them comes from an image.
"""

from pathlib import Path

from rich.progress import Progress

from fundus_unet.core.errors import InputError
from fundus_unet.data.case import Case, Splits
from fundus_unet.data.synthetic.generate import GENERATOR_VERSION, is_synthetic_set, write_synthetic_set


class Synthetic:
    """Synthetic images below `root`, the first `train` to train on, then `val`, then `test`.

    Raises:
        InputError: For a count below 1, or from `splits` where the folder holds something else.
    """

    def __init__(
        self, root: str | Path, train: int = 24, val: int = 4, test: int = 8, size: int = 512, seed: int = 0
    ) -> None:
        for name, count in (("train", train), ("val", val), ("test", test)):
            if count < 1:
                raise InputError(f"data.source.{name} is too small", expected="at least 1 image", got=count)
        self.counts = (train, val, test)
        self.size = size
        self.seed = seed
        self.folder = Path(root) / f"v{GENERATOR_VERSION}_{sum(self.counts)}_images_{size}px_seed{seed}"

    def is_there(self) -> bool:
        """Whether all images are below `root`, so that `splits` will not write."""
        return is_synthetic_set(self.folder, count=sum(self.counts), seed=self.seed, size=self.size)

    def splits(self) -> Splits:
        """Generate the images unless they are there already.

        Raises:
            InputError: Where they cannot be written.
        """
        count = sum(self.counts)
        if not self.is_there():
            self._generate(count)
        cases = [self._case(f"{number:04d}") for number in range(1, count + 1)]
        train, val, _ = self.counts
        return Splits(tuple(cases[:train]), tuple(cases[train : train + val]), tuple(cases[train + val :]))

    def _generate(self, count: int) -> None:
        with Progress() as progress:
            bar = progress.add_task("generating synthetic images", total=count)
            write_synthetic_set(
                self.folder,
                count=count,
                seed=self.seed,
                size=self.size,
                on_progress=lambda done, total: progress.update(bar, completed=done, total=total),
            )
        progress.console.print(f"synthetic images in {self.folder.resolve()}", soft_wrap=True, highlight=False)

    def _case(self, name: str) -> Case:
        image, label, mask = (self.folder / kind / f"{name}.png" for kind in ("images", "labels", "masks"))
        return Case(name, image, label, mask)
