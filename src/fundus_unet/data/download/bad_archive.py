"""What came is not what was published."""

from fundus_unet.core.errors import InputError


class BadArchiveError(InputError):
    """An archive, or what it held, that is damaged or no copy of the set: nothing of it is kept.

    Other errors, such as a full disk, say nothing against the archive, and a later call takes it up again.
    """

    def __init__(self, problem: str, *, expected: object = None, got: object = None, fix: str | None = None) -> None:
        super().__init__(problem, expected=expected, got=got, fix=fix or "get the set as it is published")


class DamagedArchiveError(BadArchiveError):
    """An archive that cannot be read to its end: loaded once more, it may come whole."""
