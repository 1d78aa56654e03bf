"""A killed command that is given again ends as if it had not been killed."""

from collections.abc import Callable
from pathlib import Path

import pytest

# imported before the first fork, so that the scripts need not import it again
import fundus_unet.commands.check_data
import fundus_unet.commands.cross_dataset
import fundus_unet.commands.prepare_data
import fundus_unet.commands.train  # noqa: F401
from data.download.serving import serving
from data.layouts import draw, save
from faults.attempt import Attempt
from faults.data_commands import across_sets, checking, getting, with_archive
from faults.kills import (
    TWO_PROCESSES,
    attacked,
    comparison,
    evaluation,
    killed_in_writes,
    multirun,
    prediction,
    search,
    training,
)
from fundus_unet.runs.device import resolve_precision

Survived = Callable[[list[Attempt]], None]
Make = Callable[[Path], None]
PRECISIONS = ("32-true", "bf16-mixed")


def with_photos(folder: Path) -> None:
    for number in range(8):
        save(folder / "images" / f"{number}.png", draw(number, (220, 240))[0])


def skip_slow_bf16(precision: str) -> None:
    if precision == "bf16-mixed" and resolve_precision("auto", "cpu") != "bf16-mixed":
        pytest.skip("this processor has no fast bf16")


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 2])
def test_a_killed_training_is_the_same_training(
    tmp_path: Path, with_images: Make, survived: Survived, workers: int
) -> None:
    survived(attacked(training(f"data.workers={workers}"), tmp_path, with_images, seed=workers, count=1))


@pytest.mark.slow
def test_a_training_killed_in_its_writes_is_the_same_training(
    tmp_path: Path, with_images: Make, survived: Survived
) -> None:
    survived(killed_in_writes(training("logger=none", epochs=2), tmp_path, with_images, every=53))


@pytest.mark.slow
def test_a_killed_prediction_is_the_same_prediction(tmp_path: Path, survived: Survived) -> None:
    survived(attacked(prediction(), tmp_path, with_photos, seed=0, count=2))


@pytest.mark.faults
@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("workers", [0, 1, 2])
def test_many_killed_trainings(
    tmp_path: Path, with_images: Make, survived: Survived, workers: int, precision: str
) -> None:
    skip_slow_bf16(precision)
    command = training(f"data.workers={workers}", f"trainer.precision={precision}")
    survived(attacked(command, tmp_path, with_images, seed=10 + workers, count=8, kills=3))


@pytest.mark.faults
def test_every_write_of_a_training(tmp_path: Path, with_images: Make, survived: Survived) -> None:
    survived(killed_in_writes(training(epochs=2), tmp_path, with_images))


@pytest.mark.faults
@pytest.mark.parametrize("devices", [1, 2])
def test_many_killed_predictions(tmp_path: Path, survived: Survived, devices: int) -> None:
    command = prediction(f"devices={devices}", *(["device=cpu"] if devices > 1 else []))
    survived(attacked(command, tmp_path, with_photos, seed=20 + devices, count=12 // devices, kills=3))


@pytest.mark.faults
def test_writes_of_a_prediction(tmp_path: Path, survived: Survived) -> None:
    survived(killed_in_writes(prediction(), tmp_path, with_photos, every=5))


@pytest.mark.faults
def test_many_killed_evaluations(tmp_path: Path, with_run: Make, survived: Survived) -> None:
    survived(attacked(evaluation(), tmp_path / "random", with_run, seed=30, count=10))
    survived(killed_in_writes(evaluation(), tmp_path / "writes", with_run, every=3))


@pytest.mark.faults
def test_many_killed_comparisons(tmp_path: Path, with_images: Make, survived: Survived) -> None:
    survived(attacked(comparison(), tmp_path, with_images, seed=40, count=10, kills=3))


@pytest.mark.faults
def test_many_killed_multiruns(tmp_path: Path, with_images: Make, survived: Survived) -> None:
    survived(attacked(multirun(), tmp_path, with_images, seed=50, count=8, kills=3))


@pytest.mark.faults
def test_many_killed_trainings_in_two_processes(tmp_path: Path, with_images: Make, survived: Survived) -> None:
    command = training(TWO_PROCESSES, "trainer.devices=2")
    survived(attacked(command, tmp_path / "random", with_images, seed=70, count=12, kills=3))
    survived(killed_in_writes(training(TWO_PROCESSES, epochs=2), tmp_path / "writes", with_images, every=9))


@pytest.mark.faults
def test_many_killed_multiruns_side_by_side(tmp_path: Path, with_images: Make, survived: Survived) -> None:
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher", reason="needs the extra sweep")
    survived(attacked(multirun("hydra/launcher=joblib"), tmp_path, with_images, seed=71, count=8, kills=3))


@pytest.mark.faults
def test_many_killed_searches(tmp_path: Path, with_images: Make, survived: Survived) -> None:
    pytest.importorskip("optuna", reason="needs the extra sweep")
    survived(attacked(search(), tmp_path, with_images, seed=72, count=8, kills=3))


@pytest.mark.slow
def test_a_killed_set_comes_whole(tmp_path: Path, survived: Survived) -> None:
    survived(killed_in_writes(getting(), tmp_path, with_archive, every=40))


@pytest.mark.faults
def test_every_write_of_getting_a_set(tmp_path: Path, survived: Survived) -> None:
    survived(killed_in_writes(getting(), tmp_path / "writes", with_archive))
    survived(attacked(getting(), tmp_path / "random", with_archive, seed=60, count=40, kills=3))


@pytest.mark.faults
def test_many_killed_downloads(tmp_path: Path, survived: Survived, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with_archive(tmp_path)
    with serving() as served:
        served.files["/stare.zip"] = (tmp_path / "mine/stare.zip").read_bytes()
        served.pause = 0.01
        command = getting(served.url("/stare.zip"))
        survived(attacked(command, tmp_path / "random", with_archive, seed=61, count=40, kills=3))
        survived(killed_in_writes(command, tmp_path / "writes", with_archive, every=3))


@pytest.mark.faults
def test_many_killed_data_checks(tmp_path: Path, with_images: Make, survived: Survived) -> None:
    survived(attacked(checking(), tmp_path / "random", with_images, seed=62, count=15, kills=3))
    survived(killed_in_writes(checking(), tmp_path / "writes", with_images))


@pytest.mark.faults
def test_many_killed_comparisons_across_sets(tmp_path: Path, with_run: Make, survived: Survived) -> None:
    survived(attacked(across_sets(), tmp_path / "random", with_run, seed=63, count=15, kills=3))
    survived(killed_in_writes(across_sets(), tmp_path / "writes", with_run))
