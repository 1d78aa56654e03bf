"""A bound on the images that are in memory at once."""

from threading import Condition


class PixelBudget:
    """Counts the pixels of images between reading and writing.

    One image is let in whatever its size, so that the largest can be predicted too.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._taken = 0
        self._changed = Condition()

    def has_room(self, pixels: int) -> bool:
        with self._changed:
            return self._taken == 0 or self._taken + pixels <= self.limit

    def take(self, pixels: int) -> None:
        """Wait until there is room."""
        with self._changed:
            self._changed.wait_for(lambda: self._taken == 0 or self._taken + pixels <= self.limit)
            self._taken += pixels

    def give_back(self, pixels: int) -> None:
        with self._changed:
            self._taken -= pixels
            self._changed.notify_all()
