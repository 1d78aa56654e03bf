"""What a check of a data set says."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fundus_unet.core.errors import MOST_TOLD

ERROR, WARNING = "error", "warning"
SEVERITIES = (ERROR, WARNING)


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or may be.

    Args:
        severity: `error` where training on it would be wrong, else `warning`.
        kind: A few words that findings of the same kind share.
        cases: Names of the images that it is about.
        message: What is wrong, in a sentence that names the images or files.
        fix: What to do.
    """

    severity: str
    kind: str
    cases: tuple[str, ...]
    message: str
    fix: str

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "severity": self.severity,
            "kind": self.kind,
            "cases": list(self.cases),
            "message": self.message,
            "fix": self.fix,
        }

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> "Finding":
        """Raises: LookupError, TypeError or ValueError where `as_dict` did not write it."""
        texts = [saved[key] for key in ("severity", "kind", "message", "fix")]
        cases = saved["cases"]
        if not all(isinstance(text, str) for text in (*texts, *cases)) or texts[0] not in SEVERITIES:
            raise ValueError("this is no finding")
        return cls(texts[0], texts[1], tuple(cases), texts[2], texts[3])


def listed(findings: Sequence[Finding]) -> str:
    """A line for each in an error, with what to do about it."""
    lines = [f"{one.message}: {one.fix}" for one in findings[:MOST_TOLD]]
    more = [f"and {len(findings) - MOST_TOLD} more"] if len(findings) > MOST_TOLD else []
    return "\n    ".join(["", *lines, *more])
