"""What came is not what was published."""

from fundus_unet.core.errors import InputError


class BadArchiveError(InputError):
    """An archive, or what it held, that is damaged or no copy of the set: nothing of it is kept.

    Other errors, such as a full disk, say nothing against the archive, and a later call takes it up again.
    """

    def __init__(self, problem: str, *, expected: object = None, got: object = None, fix: str | None = None) -> None:
        fix = fix or "give the same command again, or get the set as it is published; nothing of this was kept"
        super().__init__(problem, expected=expected, got=got, fix=fix)
