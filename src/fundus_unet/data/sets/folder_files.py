"""The files of one folder with images, labels, masks and second labels, by the image's name."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from fundus_unet.core.errors import InputError
from fundus_unet.data.images.decoding import SUFFIXES
from fundus_unet.data.sets.folder_advice import settings_for, what_is_there
from fundus_unet.data.sets.locate import list_folder
from fundus_unet.data.sets.pairing import alone_error, by_key, called, read_names
from fundus_unet.data.sets.patterns import DEEP, Found, image_files, is_pattern, stem_of

WORDS = {"labels": "label", "masks": "field-of-view mask", "labels2": "second observer's label"}
"""What the files of a place are called, other than the images."""


class Places:
    """The folders or patterns of the four kinds of files; None: the usual name.

    A folder of a usual name that is named as something else is that alone: `masks/` may hold the labels.
    """

    def __init__(self, images: str | None, labels: str | None, masks: str | None, labels2: str | None) -> None:
        given = {"images": images, "labels": labels, "masks": masks, "labels2": labels2}
        self.given = {kind: named for kind, named in given.items() if named is not None}
        for kind, named in self.given.items():
            if not named.strip():
                raise InputError(f"data.{kind} is empty", expected="a folder or a pattern such as images/*.png")
            if "?" in named and "*" not in named:
                raise InputError(
                    f"the pattern of data.{kind} names no image",
                    expected="a * that stands for the name which image and label share",
                    got=named,
                )
        self.named = {kind: self.given.get(kind, kind) for kind in given}

    @property
    def images(self) -> str:
        return self.named["images"]

    @property
    def labels(self) -> str:
        return self.named["labels"]

    def files(self, base: Path) -> dict[str, list[Found]]:
        """The files of every kind below `base`."""
        found = {kind: image_files(base, named) for kind, named in self.named.items()}
        claimed = {one.path for kind in self.given if kind != "images" for one in found[kind]}
        for kind in ("masks", "labels2"):
            if kind not in self.given:
                found[kind] = [one for one in found[kind] if one.path not in claimed]
        return found

    def has_images(self, base: Path) -> bool:
        return bool(image_files(base, self.images))

    def has_labels(self, base: Path) -> bool:
        """Whether the place of the labels is there, with files or without."""
        named = self.labels
        return bool(image_files(base, named)) if is_pattern(named) else (base / named).is_dir()

    def check_used(self, files: Sequence["FolderFiles"]) -> None:
        """Raise where the user named masks or second labels and there is not one."""
        for kind in ("masks", "labels2"):
            if kind in self.given and not any(one.by_kind[kind] for one in files):
                raise InputError(
                    f"data.{kind} names no file",
                    expected=f"files that end in {' '.join(SUFFIXES)}",
                    got=f"none in {' or '.join(str(one.base / self.named[kind]) for one in files)}",
                    fix=f"correct data.{kind}, or leave it out",
                )


class FolderFiles:
    """What belongs to the images below `base`.

    Raises:
        InputError: For no images, labels that are not there, files without a partner, and names that cannot be read.
    """

    def __init__(self, base: Path, places: Places, labelled: bool = True) -> None:
        self.base, self.places = base, places
        found = places.files(base)
        # `*.jpg` may take in `*_label.jpg`: a file is what the more special pattern says
        others = {one.path for kind in WORDS for one in found[kind]}
        images = [one for one in found["images"] if one.path not in others]
        self._require("images", images, found["images"])
        if labelled:
            self._require("labels", found["labels"], found["labels"])
        self.readings: list[str] = []
        self.images = by_key(images, deep=True)
        self.by_kind: dict[str, dict[str, Path]] = {}
        for kind, word in WORDS.items():
            self.by_kind[kind], alone = self._paired(kind, found[kind], images)
            if kind == "labels" and labelled:
                self._check_all_labelled(alone)
            if alone:
                free = [name for name in self.images if name not in self.by_kind[kind]]
                by_stem = {} if is_pattern(places.named[kind]) else self.by_kind[kind]
                pairs = [(stem_of(path.name), self.images[name]) for name, path in by_stem.items()]
                expected = called(next(iter(alone)), pairs, places.images)
                raise alone_error(word, alone, len(found[kind]), "image", free, expected)
        self.labels, self.masks, self.labels2 = self.by_kind.values()
        self._check_once()

    def _paired(self, kind: str, files: list[Found], images: list[Found]) -> tuple[dict[str, Path], dict[str, Path]]:
        """The files of one kind by the name of their image, and those without one by their own."""
        if not files:
            return {}, {}
        both = (self.places.images, self.places.named[kind])
        deep = both[0].count(DEEP) == both[1].count(DEEP)
        name_of = {path: name for name, path in self.images.items()}
        keyed = {key: name_of[path] for key, path in by_key(images, deep).items()}
        paths = by_key(files, deep)
        if all(map(is_pattern, both)):
            pairs = {key: key for key in keyed if key in paths}
        else:
            reading = read_names(list(keyed), list(paths), WORDS[kind])
            pairs = dict(reading.pairs)
            if pairs and not reading.is_plain:
                self.readings.append(f"images and {WORDS[kind]}s are paired by name: {reading}")
        taken = set(pairs.values())
        return (
            {keyed[key]: paths[name] for key, name in pairs.items()},
            {key: path for key, path in paths.items() if key not in taken},
        )

    def _check_all_labelled(self, free: Mapping[str, Path]) -> None:
        labels = self.by_kind["labels"]
        alone = {name: path for name, path in self.images.items() if name not in labels}
        if alone:
            expected = called(next(iter(alone)), list(labels.items()), self.places.labels)
            raise alone_error("image", alone, len(self.images), "label", list(free), expected)

    def _check_once(self) -> None:
        """Raise where a file stands for two things."""
        seen: dict[Path, str] = dict.fromkeys(self.images.values(), "image")
        for kind, word in WORDS.items():
            for path in self.by_kind[kind].values():
                if path in seen:
                    raise InputError(
                        f"the file {path} is taken twice",
                        expected="each file as one of image, label, mask and second label",
                        got=f"{seen[path]} and {word}",
                        fix=f"name other files with data.{kind}",
                    )
                seen[path] = word

    def _require(self, kind: str, files: Sequence[Found], found: Sequence[Found]) -> None:
        if files:
            return
        named = self.places.named[kind]
        where = self.base / named
        if found:
            got = f"{len(found)} files, all of them named as labels or masks too"
        elif is_pattern(named):
            got = "no file of that name"
        else:
            got = "no such folder" if not where.is_dir() else f"{len(list_folder(where))} other entries"
        there = what_is_there(self.base)
        if there and kind not in self.places.given:
            got += f"; there are {there}"
        raise InputError(
            f"there are no {kind} in {where}",
            expected=f"files that end in {' '.join(SUFFIXES)}",
            got=got,
            fix=self._advice(kind),
        )

    def _advice(self, kind: str) -> str:
        given, named, here = self.places.given, self.places.named[kind], Path.cwd()
        if here != self.base and DEEP not in named and image_files(here, named):
            return f"it is looked for in data.source.root; did you mean data.{kind}={here / named}?"
        otherwise = (
            "set data.source.root=/your/folder to the one that holds images/ and labels/, or name others with "
            "data.images=... data.labels=..."
        )
        if kind == "labels" and not given.keys() & {"labels", "masks"} and image_files(self.base, "masks"):
            return (
                "masks/ is there: it is read as fields of view; if it holds the vessel labels, add data.labels=masks; "
                f"otherwise {otherwise}"
            )
        suggested = None if given else settings_for(self.base)
        return f"if these are images and their labels, add {suggested}" if suggested else otherwise
