"""The public sets: where each is had, under which terms, what it unpacks into. The one place for addresses.

An address stands here only where it was read: `read_in` names the page or the repository's file, `READ_ON` the day.
SHA-256 sums of archives are as other projects publish them; those of single files are in `checksums/`.
"""

from dataclasses import dataclass

READ_ON = "2026-11-26"
_MB = 10**6
_TORCH_EM = "github.com/constantinpape/torch-em, torch_em/data/datasets/medical"
_ATLAS = "github.com/staskh/fundus-atlas, docs/datasets"


@dataclass(frozen=True)
class Archive:
    """A file that holds a set or a part of it."""

    name: str  # on the user's disk
    urls: tuple[str, ...]  # tried in this order
    read_in: str  # where the addresses, and the sum, were read
    sha256: str | None = None  # None: not published anywhere that was found


@dataclass(frozen=True)
class Published:
    """A public set.

    Units: `download` and `largest` are bytes.
    """

    key: str  # the option of `data`
    name: str
    folders: tuple[str, ...]  # its usual names on a disk; the first is the one that is made
    images: int
    page: str  # where a person looks
    obtained: str  # the page in words
    licence: str  # as the set's own record states it
    licence_read_in: str
    citation: str
    download: int | None  # what is loaded, as stated or measured; None: not known
    largest: int  # more than this is no copy of the set: unpacking stops
    layout: tuple[str, ...] = ()  # folders at its top
    archives: tuple[Archive, ...] = ()  # none where the terms want a person to ask
    how: str = ""  # what to do where no address works, or there is none
    parts: tuple[str, ...] = ()  # the archives that a person is given there, where a person has to ask
    file_names: str = ""  # a regular expression: how its files are called, from its folder down
    is_listed_whole: bool = False  # `checksums/` has every file of it, so that another one is not of the set
    most_files: int = 5_000

    @property
    def folder(self) -> str:
        return self.folders[0]

    @property
    def where(self) -> str:
        """The page in words, with its address."""
        return f"{self.obtained} ({self.page})"


_ROWS = (
    Published(
        key="chasedb1",
        name="CHASE_DB1",
        folders=("CHASE_DB1", "CHASEDB1"),
        images=28,
        page="https://researchinnovation.kingston.ac.uk/en/datasets/chasedb1-retinal-vessel-reference-dataset-4/",
        obtained="the Kingston University page of CHASE_DB1",
        licence="CC BY 4.0",
        licence_read_in="the record researchdata.kingston.ac.uk/96, as github.com/dataset-ninja/chase-db1, LICENSE.md, "
        f"and {_TORCH_EM}/chase_db1.py cite it; catalogues that say 'research only' name no record",
        citation="M. M. Fraz et al., An Ensemble Classification-Based Approach Applied to Retinal Blood Vessel "
        "Segmentation, IEEE Transactions on Biomedical Engineering 59(9):2538-2548, 2012, "
        "doi:10.1109/TBME.2012.2205687",
        download=2_600_000,
        largest=50 * _MB,
        archives=(
            Archive(
                "CHASEDB1.zip",
                (
                    "https://researchdata.kingston.ac.uk/96/1/CHASEDB1.zip",
                    "https://staffnet.kingston.ac.uk/~ku15565/CHASE_DB1/assets/CHASEDB1.zip",
                ),
                read_in=f"{_TORCH_EM}/chase_db1.py; the second in github.com/open-mmlab/mmsegmentation, "
                "docs/dataset_prepare.md",
            ),
        ),
        how="load CHASEDB1.zip with a browser, since the site may want to see that a person asks, then give the file",
        file_names=r"image_\d\d[lr](_(1st|2nd)ho)?\.",
        is_listed_whole=True,
    ),
    Published(
        key="hrf",
        name="HRF",
        folders=("HRF",),
        images=45,
        page="https://www5.cs.fau.de/research/data/fundus-images/",
        obtained="the FAU Erlangen page of the High-Resolution Fundus image database",
        licence="CC BY 4.0",
        licence_read_in=f"its page, as {_ATLAS}/hrf.md and github.com/dataset-ninja/high-resolution-fundus, "
        "LICENSE.md, cite it",
        citation="A. Budai et al., Robust Vessel Segmentation in Fundus Images, International Journal of Biomedical "
        "Imaging, 2013:154860, doi:10.1155/2013/154860",
        download=76 * _MB,
        largest=2_500 * _MB,
        layout=("images", "manual1", "mask"),
        archives=(
            Archive(
                "all.zip",
                ("https://www5.cs.fau.de/fileadmin/research/datasets/fundus-images/all.zip",),
                read_in="github.com/dataset-ninja/high-resolution-fundus, DOWNLOAD.md; its sum in "
                "github.com/staskh/fundus-atlas, src/datasets/hrf.py",
                sha256="a914d02cda161b7f33f25d0397c276d50e9a6cbc705e9b364a54f0adafed57e4",
            ),
        ),
        how="load all.zip there with a browser, then give the file",
        file_names=r"\d\d_(h|dr|g)(_mask)?\.",
    ),
    Published(
        key="stare",
        name="STARE",
        folders=("STARE",),
        images=20,
        page="https://cecas.clemson.edu/~ahoover/stare/probing/index.html",
        obtained="the Clemson University page of STARE",
        licence="none stated",
        licence_read_in=f"{_ATLAS}/stare.md",
        citation="A. Hoover, V. Kouznetsova, M. Goldbaum, Locating Blood Vessels in Retinal Images by Piecewise "
        "Threshold Probing of a Matched Filter Response, IEEE Transactions on Medical Imaging 19(3):203-210, 2000, "
        "doi:10.1109/42.845178",
        download=None,
        largest=200 * _MB,
        layout=("stare-images", "labels-ah", "labels-vk"),
        archives=tuple(
            Archive(
                f"{part}.tar",
                (
                    f"https://cecas.clemson.edu/~ahoover/stare/probing/{part}.tar",
                    f"http://cecas.clemson.edu/~ahoover/stare/probing/{part}.tar",
                ),
                read_in=f"{_TORCH_EM}/stare.py",
                sha256=sha256,
            )
            for part, sha256 in (
                ("stare-images", "5f7b509b6067cad4f1be84933145d783de9ec087b3eaaf4db0103dd0144dd433"),
                ("labels-ah", "ebf2f1e17ca955f24579d9edd990e2dae79a5c82def69f0985d8e24f826ddd2f"),
                ("labels-vk", "47474a701536b0cfdb369fdce012be36141e9f44d80387f0179446b5cb0f5576"),
            )
        ),
        how="load stare-images.tar, labels-ah.tar and labels-vk.tar there with a browser, then give the files",
        file_names=r"im\d{4}\.",
    ),
    Published(
        key="fives",
        name="FIVES",
        folders=("FIVES", "FIVES A Fundus Image Dataset for AI-based Vessel Segmentation"),
        images=800,
        page="https://doi.org/10.6084/m9.figshare.19688169",
        obtained="the figshare record of FIVES",
        licence="CC BY 4.0",
        licence_read_in=f"its figshare record, as {_ATLAS}/fives.md and {_TORCH_EM}/fives.py cite it",
        citation="K. Jin et al., FIVES: A Fundus Image Dataset for Artificial Intelligence based Vessel Segmentation, "
        "Scientific Data 9:475, 2022, doi:10.1038/s41597-022-01564-3",
        download=1_764_974_308,
        largest=8_000 * _MB,
        layout=("train", "test"),
        archives=(
            Archive(
                "FIVES.rar",
                ("https://ndownloader.figshare.com/files/34969398",),
                read_in=f"{_TORCH_EM}/fives.py",
                sha256="be72f9af286b107bcebcc08a9dae7fc55c3fb0959409b689e14c72f9fdc4ad8e",
            ),
        ),
        how="load the archive there with a browser, then give the file",
        file_names=r"(train|test)/[^/]+/\d+_[adgn]\.",
    ),
    Published(
        key="drive",
        name="DRIVE",
        folders=("DRIVE",),
        images=40,
        page="https://drive.grand-challenge.org/",
        obtained="the DRIVE challenge on Grand Challenge",
        licence="research and education, free of charge; copying, redistribution and unauthorized commercial use are "
        "prohibited; only for those who obtained it directly from its own site",
        licence_read_in="the stored page www.isi.uu.nl/Research/Databases/DRIVE/",
        citation="J. Staal et al., Ridge-Based Vessel Segmentation in Color Images of the Retina, IEEE Transactions on "
        "Medical Imaging 23(4):501-509, 2004",
        download=None,
        largest=500 * _MB,
        layout=("training", "test"),
        how="make a free account there, join the challenge, load training.zip and test.zip",
        parts=("training.zip", "test.zip"),
        file_names=r"\d\d_(training|test|training_mask|test_mask|manual\d)\.",
    ),
    Published(
        key="les_av",
        name="LES-AV",
        folders=("LES-AV", "LES_AV"),
        images=22,
        page="https://figshare.com/articles/dataset/LES-AV_dataset/11857698",
        obtained="the figshare record of LES-AV",
        licence="'Any commercial usage is forbidden. This data set can only be used for scientific purposes.' (the "
        "README.txt in its archive; the figshare record says GPL)",
        licence_read_in=f"{_ATLAS}/les-av.md",
        citation="J. I. Orlando et al., Towards a Glaucoma Risk Index Based on Simulated Hemodynamics from Fundus "
        "Images, MICCAI 2018, LNCS 11071:65-73, doi:10.1007/978-3-030-00934-2_8",
        download=46 * _MB,
        largest=1_000 * _MB,
        layout=("images", "masks", "vessel-segmentations", "arteries-and-veins", "arteries", "veins"),
        how="read the terms there, load the archive with a browser",
        file_names=r"(vessel-segmentations|arteries-and-veins|arteries|veins)/",
    ),
)
PUBLISHED = {row.key: row for row in _ROWS}
"""By the option of `data`."""
