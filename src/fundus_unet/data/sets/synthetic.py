"""A set of synthetic images: generated from a seed at first use, then read like any other set.

Images: `train + val + test` PNG files, `size` pixels square, in a folder per variety, version, count, size and seed.
With `renew_after` those to train on are only the first of an endless row, whose other images are painted in memory.
Labels: the vessels as they were generated; no second observer.
Masks: the field of view as it was generated.
Licence: the project's (MIT); nothing in them comes from an image.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from rich.progress import Progress

from fundus_unet.core.errors import InputError
from fundus_unet.data.case import Case, Picture, Renewal, Splits
from fundus_unet.data.synthetic.generate import (
    VARIETIES,
    check_variety,
    generate_fundus,
    image_seed,
    is_synthetic_set,
    write_synthetic_set,
)


@dataclass(frozen=True)
class Following:
    """The images that follow on one of a set of `count`: none of them is in the set, nor follows on another."""

    count: int
    number: int
    seed: int
    size: int
    variety: str

    def __call__(self, version: int) -> Picture:
        seed = image_seed(self.seed, self.number + version * self.count)
        fundus = generate_fundus(seed, self.size, self.variety)
        return fundus.image, fundus.label, fundus.field_of_view


class Synthetic:
    """Synthetic images below `root`, the first `train` to train on, then `val`, then `test`.

    Args:
        variety: `plain` or `wide`: as many kinds of cameras, eyes and disturbances as the generator knows.
        renew_after: So many patches are taken of an image to train on, on average, before another eye is painted in
            its place; None: the images stay.

    Raises:
        InputError: For a count below 1, an unknown variety, or from `splits` where the folder holds something else.
    """

    def __init__(
        self,
        root: str | Path,
        train: int = 24,
        val: int = 4,
        test: int = 8,
        size: int = 512,
        seed: int = 0,
        variety: str = "plain",
        renew_after: int | None = None,
    ) -> None:
        for name, count in (("train", train), ("val", val), ("test", test)):
            if count < 1:
                raise InputError(f"data.source.{name} is too small", expected="at least 1 image", got=count)
        if renew_after is not None and (not isinstance(renew_after, int) or renew_after < 1):
            raise InputError(
                "data.source.renew_after cannot be used",
                expected="at least 1 patch of an image, or null for images that stay",
                got=renew_after,
            )
        check_variety(variety)
        self.counts = (train, val, test)
        self.variety = variety
        self.renew_after = renew_after
        self.size = size
        self.seed = seed
        kind = f"{'' if variety == 'plain' else variety + '_'}v{VARIETIES[variety]}"
        self.folder = Path(root) / f"{kind}_{sum(self.counts)}_images_{size}px_seed{seed}"

    def is_there(self) -> bool:
        """Whether all images are below `root`, so that `splits` will not write."""
        return is_synthetic_set(
            self.folder, count=sum(self.counts), seed=self.seed, size=self.size, variety=self.variety
        )

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
        learned = [self._renewed(case, number) for number, case in enumerate(cases[:train], 1)]
        return Splits(tuple(learned), tuple(cases[train : train + val]), tuple(cases[train + val :]))

    def _generate(self, count: int) -> None:
        with Progress() as progress:
            bar = progress.add_task("generating synthetic images", total=count)
            write_synthetic_set(
                self.folder,
                count=count,
                seed=self.seed,
                size=self.size,
                variety=self.variety,
                on_progress=lambda done, total: progress.update(bar, completed=done, total=total),
            )
        progress.console.print(f"synthetic images in {self.folder.resolve()}", soft_wrap=True, highlight=False)

    def _renewed(self, case: Case, number: int) -> Case:
        """The case with the row of images that follow on its file."""
        if self.renew_after is None:
            return case
        following = Following(sum(self.counts), number, self.seed, self.size, self.variety)
        return replace(case, renewal=Renewal(self.renew_after, following))

    def _case(self, name: str) -> Case:
        image, label, mask = (self.folder / kind / f"{name}.png" for kind in ("images", "labels", "masks"))
        return Case(name, image, label, mask)
