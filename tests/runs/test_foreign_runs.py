"""Run directories that came from a stranger: nothing in them chooses code, places, secrets or an endless wait."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from faults.attempt import failed, limited
from faults.damaged_runs import attempts
from fundus_unet.core.errors import InputError
from fundus_unet.runs.allowed_config import check_run_config
from fundus_unet.runs.run_directory import RunDirectory
from running import ROOT, Finished, Scripts, contents, refused, succeeded

SECRET = "a4f0-the-secret"
SYNTHETIC = {"_target_": "fundus_unet.data.sets.synthetic.Synthetic", "train": 1, "val": 1, "test": 1, "size": 64}
FOLDER = {"_target_": "fundus_unet.data.sets.folder.Folder", "root": "sets"}
OLDER_LOGGER = {
    "_target_": "lightning.pytorch.loggers.TensorBoardLogger",
    "save_dir": "${paths.run_dir}",
    "name": "",
    "version": "tensorboard",
    "default_hp_metric": False,
}
BOMB = "a: &a [x, x]\n" + "".join(f"{b}: &{b} [*{a}, *{a}]\n" for a, b in zip("abcdef", "bcdefg", strict=True))
CHAIN = "".join(f"x{n}: ${{x{n + 1}}}${{x{n + 1}}}\n" for n in range(60)) + "x60: x\n"


@pytest.fixture
def run(scripts: Scripts, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A finished run beside a folder that nothing may touch."""
    (scripts.folder / "precious").mkdir()
    (scripts.folder / "precious/file.txt").write_text("dear")
    monkeypatch.setenv("FUNDUS_UNET_SECRET", SECRET)
    return scripts.tiny_run()


def use(scripts: Scripts, name: str, run: Path) -> Finished:
    """What a user does with a run; the secret and what is outside of it are checked."""
    precious = contents(scripts.folder / "precious")
    if name == "resume":
        (run / "threshold.json").unlink(missing_ok=True)
    finished = {
        "evaluate": lambda: scripts("evaluate", f"run_dir={run}", "split=val"),
        "export": lambda: scripts("export", f"run_dir={run}", "overwrite=true"),
        "predict": lambda: scripts("predict", f"run_dir={run}", "images=sets/CHASE_DB1/Image_11L.jpg"),
        "resume": lambda: scripts("train", f"resume={run}", "paths.data_dir=sets"),
    }[name]()
    assert contents(scripts.folder / "precious") == precious
    written = {**contents(run), **contents(scripts.folder / "predictions")}
    assert not [path for path, data in written.items() if SECRET.encode() in data]
    assert SECRET not in finished.out + finished.err
    assert "Traceback" not in finished.err
    return finished


def change(run: Path, key: str, value: Any) -> None:
    """Set a value of config.yaml by its dotted key, or remove it with `...`."""
    config = yaml.safe_load((run / "config.yaml").read_text())
    *parents, last = key.split(".")
    node = config
    for name in parents:
        node = node[name]
    if value is ...:
        del node[last]
    else:
        node[last] = value
    (run / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))


class TestConfiguration:
    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("model.upsampler._target_", "os.system"),
            ("model.upsampler._target_", "torch.nn.Linear"),
            ("model.upsampler._args_", [1]),
            ("model.upsampler.kernel_size", 10**6 + 1),
            ("model.normalization._target_", "torch.nn.Linear"),
            ("model._target_", "fundus_unet.comparison.generators.vae.VAE"),
            ("model._convert_", "object"),
            ("model.widths", [4] * 2000),
            ("model.widths", [4, 10**7]),
            ("model.widths", [4096] * 12),
            ("model.widths", "${oc.decode:'[4,8]'}"),
            ("model.upsampled_width", float("nan")),
            ("model.in_channels", 1),
            ("data.source", None),
            ("data.source._target_", "fundus_unet.runs.run_directory.RunDirectory"),
            ("data.source.root", "${oc.env:FUNDUS_UNET_SECRET}/x"),
            ("data.source.root", 5),
            ("data.source", FOLDER | {"images": ["a"]}),
            ("data.source", FOLDER | {"labels": "*" * 5000}),
            ("data.source", FOLDER | {"subjects": {"_target_": "os.system"}}),
            ("data.source", FOLDER | {"images": "${data.gone}"}),
            ("data.source", FOLDER | {"images": "${oc.env:FUNDUS_UNET_SECRET}/*"}),
            ("data.scale", float("inf")),
            ("data.scale", 1e9),
            ("data.fov_diameter", 512),
            ("trainer.precision", "bf17"),
            ("seed", "one"),
            ("seed", ...),
            ("paths", None),
            ("paths.data_dir", ["sets"]),
            ("model", "${data}"),
            ("trainer", "${hydra:runtime}"),
        ],
        ids=lambda value: str(value)[:40],
    )
    def test_that_every_use_needs_is_checked(self, run: Path, key: str, value: Any) -> None:
        change(run, key, value)
        before = contents(run)
        with limited(60), pytest.raises(InputError, match=key.split(".")[0]):
            network_of(run)
        assert contents(run) == before

    @pytest.mark.parametrize("name", ["evaluate", "export", "predict", "resume"])
    def test_is_checked_whatever_the_run_is_used_for(self, scripts: Scripts, run: Path, name: str) -> None:
        change(run, "model.widths", [4] * 2000)
        refused(use(scripts, name, run), "model.widths", "config.yaml")

    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("callbacks.checkpoint.dirpath", "precious"),
            ("callbacks.checkpoint.folder", "precious"),
            ("callbacks.checkpoint._partial_", False),
            ("callbacks.checkpoint._target_", "lightning.pytorch.callbacks.ModelCheckpoint"),
            ("callbacks.more", {"_target_": "lightning.pytorch.callbacks.DeviceStatsMonitor"}),
            ("callbacks.learning_rate._target_", "fundus_unet.commands.entry.run_with_config"),
            ("logger", {"_target_": "lightning.pytorch.loggers.CSVLogger", "save_dir": "precious"}),
            ("logger.save_dir", "${paths.data_dir}/precious"),
            ("logger", OLDER_LOGGER | {"version": "../../precious"}),
            ("logger", OLDER_LOGGER | {"version": ".."}),
            ("logger", OLDER_LOGGER | {"name": "/tmp"}),
            ("logger", OLDER_LOGGER | {"sub_dir": "../.."}),
            ("logger", OLDER_LOGGER | {"purge_step": 1}),
            ("logger.version", "precious"),
            ("trainer.default_root_dir", "precious"),
            ("trainer.plugins", [{"_target_": "fundus_unet.models.unet.UNet"}]),
            ("trainer.profiler", "advanced"),
            ("trainer.max_epochs", float("nan")),
            ("trainer.strategy", {"_target_": "x.y"}),
            (
                "callbacks.second",
                {"_target_": "fundus_unet.training.checkpoints.RunCheckpoints", "_partial_": True},
            ),
            ("trainer.strategy", "ddp_spawn"),
            ("trainer.strategy", "fsdp"),
            ("trainer.devices", 10**6),
            ("trainer.devices", "100000"),
            ("trainer.devices", list(range(65))),
            ("trainer.devices", True),
            ("trainer.devices", 0),
            ("trainer.num_nodes", 10**6),
            ("trainer.accelerator", "tpu"),
            ("trainer.check_val_every_n_epoch", 0),
            ("trainer.accumulate_grad_batches", 0),
            ("optimizer._target_", "torch.optim.lr_scheduler.OneCycleLR"),
            ("optimizer.lr", float("nan")),
            ("loss._target_", "torch.nn.MSELoss"),
            ("loss", None),
            ("augment", {"_target_": "fundus_unet.data.sets.folder.Folder", "root": "precious"}),
            ("data.workers", 10**6),
            ("data.patch_size", 10**6),
            ("hydra", {"run": {"dir": "precious"}}),
        ],
        ids=lambda value: str(value)[:40],
    )
    def test_that_training_needs_is_checked(self, run: Path, key: str, value: Any) -> None:
        change(run, key, value)
        opened = RunDirectory(run)  # a use that does not train is not concerned
        with pytest.raises(InputError, match=key.split(".")[0]):
            check_run_config(opened.config)

    def test_the_logger_of_older_runs_is_allowed(self, run: Path) -> None:
        change(run, "logger", OLDER_LOGGER)
        check_run_config(RunDirectory(run).config)

    @pytest.mark.parametrize("key", ["callbacks.checkpoint.dirpath", "logger.save_dir"])
    def test_chooses_no_place_to_write(self, scripts: Scripts, run: Path, key: str) -> None:
        change(run, key, str(scripts.folder / "precious"))
        refused(use(scripts, "resume", run), key.partition(".")[0])
        succeeded(use(scripts, "evaluate", run))

    @pytest.mark.parametrize("key", ["paths.data_dir", "final_split", "data.source.split"])
    @pytest.mark.parametrize("name", ["evaluate", "resume"])
    def test_asks_for_no_environment(self, scripts: Scripts, run: Path, name: str, key: str) -> None:
        change(run, key, "${oc.env:FUNDUS_UNET_SECRET}")
        refused(use(scripts, name, run), key, "asks for more than another setting")

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("number", lambda old: "5"),
            ("list", lambda old: "[1, 2]"),
            ("nothing", lambda old: ""),
            ("aliases", lambda old: BOMB + old),
            ("references", lambda old: CHAIN + old),
            ("a reference to itself", lambda old: old.replace("seed: 0", "seed: ${seed}")),
            ("nesting", lambda old: old + "deep: " + "[" * 100_000),
            ("tag", lambda old: old + "run: !!python/name:os.system\n"),
            ("large", lambda old: old + "#" * 2_000_000),
            ("long", lambda old: old + "".join(f"key{number}: 1\n" for number in range(20_000))),
            ("digits", lambda old: old + "digits: " + "9" * 9_000),
            ("not UTF-8", lambda old: old + "\udcff"),
            ("two of them", lambda old: old + "---\n" + old),
            ("an odd name", lambda old: old + "'${oc.env:FUNDUS_UNET_SECRET}': 1\n"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_of_another_kind_is_refused_at_once(self, run: Path, name: str, text: Callable[[str], str]) -> None:
        path = run / "config.yaml"
        path.write_bytes(text(path.read_text()).encode(errors="surrogateescape"))
        with limited(60), pytest.raises(InputError, match=r"config\.yaml"):
            RunDirectory(run)

    def test_that_is_committed_opens_and_can_be_continued(self) -> None:
        committed = sorted((ROOT / "results").glob("*/runs/*"))
        assert committed
        for path in committed[:3]:
            check_run_config(RunDirectory(path).config)

    def test_is_saved_without_resolvers(self, scripts: Scripts, run: Path) -> None:
        finished = scripts.train(
            "trainer.max_epochs=1",
            "paths.run_dir=runs/typed",
            "final_split=${oc.decode:val}",
            "data.source.root=${paths.data_dir}/${oc.env:FUNDUS_SET}",
        )
        assert finished.code == 2  # FUNDUS_SET is not set
        os.environ["FUNDUS_SET"] = "CHASE_DB1"
        try:
            finished = scripts.train(
                "trainer.max_epochs=1",
                "paths.run_dir=runs/typed",
                "final_split=${oc.decode:val}",
                "data.source.root=${paths.data_dir}/${oc.env:FUNDUS_SET}",
            )
        finally:
            del os.environ["FUNDUS_SET"]
        succeeded(finished)
        saved = yaml.safe_load((scripts.folder / "runs/typed/config.yaml").read_text())
        assert saved["final_split"] == "val"
        assert saved["data"]["source"]["root"] == str(scripts.folder / "sets/CHASE_DB1")
        assert saved["trainer"]["max_epochs"] == 1
        assert saved["scheduler"]["max_lr"] == "${optimizer.lr}"
        succeeded(use(scripts, "evaluate", scripts.folder / "runs/typed"))


def network_of(run: Path) -> None:
    from fundus_unet.runs.load import load_network

    opened = RunDirectory(run)
    load_network(opened.config.model, opened.checkpoint("best"))


class TestFacts:
    @pytest.mark.parametrize(
        ("file", "text"),
        [
            ("threshold.json", '{"threshold": NaN}'),
            ("threshold.json", '{"threshold": "0.5"}'),
            ("threshold.json", '{"threshold": 1.5}'),
            ("threshold.json", '{"threshold": true}'),
            ("threshold.json", '{"threshold": 0.5, "hysteresis": 5}'),
            ("threshold.json", '{"threshold": 0.5, "hysteresis": {"low": 0.4, "high": 0.7}}'),
            ("threshold.json", '{"threshold": 0.5, "hysteresis": {"low": 0.7, "high": 0.4, "least_length": 0}}'),
            ("threshold.json", '{"threshold": 0.5, "hysteresis": {"low": 0.4, "high": 0.7, "least_length": -1}}'),
            ("threshold.json", '{"threshold": 0.5, "hysteresis": {"low": 0.4, "high": 0.7, "least_length": true}}'),
            ("threshold.json", '{"threshold": 0.5, "hysteresis": {"low": 0, "high": 1, "least_length": 0, "a": 0}}'),
            ("threshold.json", "[]"),
            ("threshold.json", "{" * 5),
            ("threshold.json", '{"threshold": ' + "[" * 100_000),
            ("run.json", "5"),
            ("run.json", '{"choices": []}'),
            ("run.json", '{"choices": {"upsampler": "../../precious/x"}}'),
            ("run.json", '{"choices": {"upsampler": ".."}}'),
            ("run.json", '{"choices": {"upsampler": 5}}'),
            ("run.json", '{"overrides": {"a": 1}}'),
            ("run.json", '{"environment": "me"}'),
            ("run.json", '{"environment": {"commit": [1]}}'),
            ("run.json", '{"created": {}}'),
            ("run.json", '{"a":' * 100_000),
            ("run.json", "\udcff"),
            ("training.json", '{"sessions": 5}'),
            ("training.json", '{"sessions": [5]}'),
            ("training.json", '{"sessions": [{"ended": "finished"}]}'),
            ("training.json", "{}"),
        ],
        ids=lambda value: value[:40],
    )
    def test_damaged_ones_are_named(self, run: Path, file: str, text: str) -> None:
        (run / file).write_bytes(text.encode(errors="surrogateescape"))
        with pytest.raises(InputError, match=file):
            _ = RunDirectory(run).masks

    @pytest.mark.parametrize("name", ["evaluate", "export", "predict"])
    def test_a_threshold_of_nan_is_refused(self, scripts: Scripts, run: Path, name: str) -> None:
        (run / "threshold.json").write_text('{"threshold": NaN}')
        refused(use(scripts, name, run), "threshold.json", "damaged")

    def test_a_run_without_run_json_can_be_used(self, scripts: Scripts, run: Path) -> None:
        (run / "run.json").unlink()
        succeeded(use(scripts, "evaluate", run))
        succeeded(use(scripts, "export", run))

    @pytest.mark.parametrize("kind", ["pipe", "device", "folder", "loop"])
    def test_what_never_ends_is_not_read(self, run: Path, kind: str) -> None:
        path = run / "run.json"
        path.unlink()
        {
            "pipe": lambda: os.mkfifo(path),
            "device": lambda: path.symlink_to("/dev/zero"),
            "folder": path.mkdir,
            "loop": lambda: path.symlink_to(path),
        }[kind]()
        with pytest.raises(InputError, match=r"run\.json"):
            RunDirectory(run)


class TestPlaces:
    @pytest.mark.parametrize("link", ["evaluation", "evaluation/val", "evaluation/val/figures"])
    def test_scores_are_not_written_behind_a_link(self, scripts: Scripts, run: Path, link: str) -> None:
        path = run / link
        path.parent.mkdir(exist_ok=True)
        if path.exists():
            path.rename(scripts.folder / "moved")
        path.symlink_to(scripts.folder / "precious")
        refused(use(scripts, "evaluate", run), "leads out of the run")

    def test_an_export_is_not_written_behind_a_link(self, scripts: Scripts, run: Path) -> None:
        (run / "export").symlink_to(scripts.folder / "precious")
        refused(use(scripts, "export", run), "leads out of the run")
        succeeded(scripts("export", f"run_dir={run}", f"path={scripts.folder / 'model.safetensors'}"))

    def test_a_figure_replaces_a_link_and_not_what_it_means(self, scripts: Scripts, run: Path) -> None:
        figures = run / "evaluation/val/figures"
        figures.mkdir(parents=True)
        for name in (
            "Image_09L.png",
            "../metrics.json",
            "../per_image.csv",
            "../calibration.csv",
            "../calibration.png",
        ):
            (figures / name).unlink(missing_ok=True)
            (figures / name).symlink_to(scripts.folder / "precious/file.txt")
        succeeded(use(scripts, "evaluate", run))
        assert not (figures / "Image_09L.png").is_symlink()

    def test_any_link_out_is_found(self, scripts: Scripts, run: Path) -> None:
        (run / "evaluation/inside").symlink_to(run / "config.yaml")
        RunDirectory(run).check_writable()
        (run / "evaluation/file").symlink_to(scripts.folder / "precious/file.txt")
        with pytest.raises(InputError, match="evaluation/file"):
            RunDirectory(run).check_writable()

    def test_what_cannot_be_written_is_told_and_earlier_scores_stay(self, scripts: Scripts, run: Path) -> None:
        before = contents(run / "evaluation/test")
        (run / "evaluation/val").write_text("in the way")
        refused(use(scripts, "evaluate", run), "scores cannot be written", "evaluation/val")
        assert contents(run / "evaluation/test") == before

    @pytest.mark.parametrize("mixed", [False, True])
    @pytest.mark.parametrize("root", ["precious", "${paths.data_dir}/../precious", "precious/new"])
    def test_missing_synthetic_images_are_generated_in_the_run(
        self, scripts: Scripts, run: Path, root: str, mixed: bool
    ) -> None:
        source: dict[str, Any] = SYNTHETIC | {"root": root if "$" in root else str(scripts.folder / root)}
        if mixed:
            one = {"_target_": "fundus_unet.data.sets.mixture.MixedSet", "source": source}
            source = {"_target_": "fundus_unet.data.sets.mixture.Mixture", "sets": {"one": one}}
        change(run, "data.source", source)
        succeeded(use(scripts, "evaluate", run))
        assert len(list((run / "synthetic").rglob("*.png"))) == 9

    def test_synthetic_images_are_generated_where_the_user_says(self, scripts: Scripts, run: Path) -> None:
        change(run, "data.source", SYNTHETIC | {"root": str(scripts.folder / "precious")})
        succeeded(scripts("evaluate", f"run_dir={run}", "split=val", "paths.data_dir=mine"))
        assert len(list((scripts.folder / "mine/synthetic").rglob("*.png"))) == 9
        assert not (run / "synthetic").exists()
        assert list(contents(scripts.folder / "precious")) == ["file.txt"]

    @pytest.mark.parametrize("name", ["${oc.env:FUNDUS_UNET_SECRET}", "line\nbreak"])
    def test_a_name_of_the_folder_means_nothing(self, run: Path, name: str) -> None:
        with pytest.raises(InputError, match="cannot be called"):
            RunDirectory(run.rename(run.with_name(name)))

    @pytest.mark.parametrize(
        "typed", [5, [1, 2], "", {"a": 1}, None, "nowhere", "sets", "x" * 300, "pyproject.toml/y", "\0", "~nobody/x"]
    )
    def test_no_path_of_a_run_is_told(self, typed: object) -> None:
        with pytest.raises(InputError, match="directory"):
            RunDirectory(typed)


class TestWeights:
    @pytest.mark.parametrize("value", [float("nan"), float("inf")])
    @pytest.mark.parametrize("name", ["evaluate", "export", "predict"])
    def test_that_are_not_finite_are_refused(self, scripts: Scripts, run: Path, name: str, value: float) -> None:
        spoil(run / "checkpoints/best.ckpt", lambda weights: weights["network.head.weight"].fill_(value))
        refused(use(scripts, name, run), "best.ckpt", "head.weight", "finite")

    @pytest.mark.parametrize(
        "put",
        [
            lambda weights: weights.update({"network.head.weight": "text"}),
            lambda weights: weights.update({"network.head.weight": None}),
            lambda weights: weights.update({"network.head.weight": torch.zeros(1).expand(10**6, 10**6)}),
            lambda weights: weights.update({"network.head.weight": weights["network.head.weight"].to_sparse()}),
            lambda weights: weights.update({"network.head.weight": weights["network.head.weight"].cfloat()}),
            lambda weights: weights.update({5: torch.zeros(1)}),
        ],
    )
    def test_that_are_no_plain_numbers_are_refused(self, run: Path, put: Callable[[dict[Any, Any]], Any]) -> None:
        spoil(run / "checkpoints/best.ckpt", put)
        with pytest.raises(InputError, match=r"best\.ckpt"):
            network_of(run)

    @pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
    def test_that_never_end_are_not_read(self, run: Path, kind: str) -> None:
        path = run / "checkpoints/best.ckpt"
        path.unlink()
        {
            "pipe": lambda: os.mkfifo(path),
            "device": lambda: path.symlink_to("/dev/zero"),
            "folder": path.mkdir,
        }[kind]()
        with pytest.raises(InputError, match=r"best"):
            network_of(run)

    def test_that_grow_when_unpacked_are_not_read(self, run: Path) -> None:
        import zipfile

        path = run / "checkpoints/best.ckpt"
        with zipfile.ZipFile(path) as stored:
            entries = {name: stored.read(name) for name in stored.namelist()}
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
            for name, data in entries.items():
                packed.writestr(name, data)
        with pytest.raises(InputError, match="compressed"):
            network_of(run)


def spoil(path: Path, change: Callable[[dict[Any, Any]], Any]) -> None:
    checkpoint = torch.load(path, weights_only=True)
    change(checkpoint["state_dict"])
    torch.save(checkpoint, path)


@pytest.mark.slow
def test_runs_damaged_at_random(tmp_path: Path) -> None:
    made = attempts(seed=7, count=20, folder=tmp_path)
    assert len(made) == 20
    assert not failed(made)


def test_facts_of_a_run_are_plain(run: Path) -> None:
    """What is written is what is read: neither NaN nor more than plain values."""
    for name in ("run.json", "training.json", "threshold.json"):
        json.loads((run / name).read_text(), parse_constant=lambda constant: pytest.fail(constant))


@pytest.mark.parametrize(
    "spoiled",
    [
        lambda metrics: metrics.pop("validation_threshold"),
        lambda metrics: metrics["field_of_view"].update({"network at 0.5": []}),
        lambda metrics: metrics["field_of_view"]["network at 0.5"]["pooled"].update({"cldice": "much"}),
        lambda metrics: metrics.update({"images": [5]}),
        lambda metrics: metrics["field_of_view"]["network at 0.5"]["pooled"].update({"dice": float("nan")}),
    ],
)
def test_damaged_scores_are_computed_again(scripts: Scripts, run: Path, spoiled: Callable[[Any], Any]) -> None:
    from fundus_unet.comparison.accuracy.scored_runs import scores_left

    path = run / "evaluation/test/metrics.json"
    assert scores_left(path.parent) is not None
    metrics = json.loads(path.read_text())
    spoiled(metrics)
    path.write_text(json.dumps(metrics))
    assert scores_left(path.parent) is None
