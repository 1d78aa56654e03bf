"""The page shows what report.json holds, escaped, and refers to nothing outside itself."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from comparison.report.cases import EVERY, VARIANTS, accuracy, checkerboard, measures, speed
from fundus_unet.comparison.report.compose import write_report
from fundus_unet.comparison.report.predictions import PredictionSettings
from fundus_unet.core.errors import InputError
from fundus_unet.drawing.png import write_png

VOID = {"meta", "link", "img", "br", "wbr"}
NO_PREDICTIONS = PredictionSettings([], True, "cpu", None)


class Page(HTMLParser):
    """Tables and text of a page, whose elements are closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[tuple[str, str]] = []
        self.tables: list[list[list[str]]] = []
        self.headings: list[str] = []
        self.text = ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs) -> None:
        if tag == "table":
            assert self.open[-1] == ("div", "scroll"), "a table is in a box of its own, that scrolls"
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag in ("td", "th"):
            self.tables[-1][-1].append("")
        if tag == "h2":
            self.headings.append("")
        if tag not in VOID:
            self.open.append((tag, dict(attrs).get("class") or ""))

    def handle_endtag(self, tag) -> None:
        assert self.open.pop()[0] == tag

    def handle_data(self, data) -> None:
        inside = [tag for tag, _ in self.open]
        if "style" in inside:
            return
        self.text += data
        if "td" in inside or "th" in inside:
            self.tables[-1][-1][-1] += data
        if "h2" in inside:
            self.headings[-1] += data


def written(folder: Path, *results, title: str = "A title", settings=NO_PREDICTIONS) -> tuple[str, Page, dict]:
    for result in results:
        (folder / f"{result['kind']}.json").write_text(json.dumps(result))
    returned = write_report(folder, title, settings, Console(quiet=True))
    text = (folder / "report.html").read_text()
    report = json.loads((folder / "report.json").read_text())
    assert report == json.loads(json.dumps(returned))
    return text, Page(text), report


def value(cell: str) -> float | None:
    """The first number of a cell."""
    if cell == "–":
        return None
    return float(re.sub(r"[,<]", "", cell.replace("−", "-")).split()[0])


@pytest.mark.parametrize("variants", [VARIANTS[:1], VARIANTS[:2], VARIANTS, EVERY])
@pytest.mark.parametrize("seeds", [1, 3])
def test_numbers_of_the_page_are_those_of_the_file(tmp_path: Path, variants, seeds) -> None:
    _, page, report = written(tmp_path, accuracy(variants, seeds), speed(variants), checkerboard(variants))
    tables = report["accuracy"]["scores"], report["speed"]["table"], report["checkerboards"]["table"]
    assert len(page.tables) == len(tables)
    for shown, table in zip(page.tables, tables, strict=True):
        columns = [column for group in table["groups"] for column in group["columns"]]
        body = shown[-len(table["rows"]) :]
        assert all(len(cells) == len(columns) for cells in body)
        for cells, row in zip(body, table["rows"], strict=True):
            assert cells[0] == row["variant"]
            for cell, column in zip(cells[1:], columns[1:], strict=True):
                held = row[column["key"]]
                if isinstance(held, dict):
                    assert ("±" in cell) == (held["standard_deviation"] is not None)
                    held = held["mean"]
                if isinstance(held, list):
                    held = held[0]
                if held is not None and column["show"] == "percent":
                    held *= 100
                assert value(cell) == (held if held is None else pytest.approx(held, rel=0.06, abs=0.01)), column
    for sentence in report["answer"].values():
        assert sentence in page.text
    assert len(report["answer"]) == 3


def test_scores_are_those_of_the_comparison(tmp_path: Path) -> None:
    result = accuracy()
    _, page, report = written(tmp_path, result)
    scores = result["variants"]["k3"]["scores"]["network at 0.5"]
    dice, pieces = scores["dice"]["pooled"], scores["betti0_error"]["image_mean"]
    k3 = next(row for row in page.tables[0] if row[0] == "k3")
    assert page.tables[0][0][1:5] == ["parameters", "Dice", "clDice", "Betti-0 error"]
    assert k3[1:3] == ["1,001", f"{dice['mean']:.4f} ± {dice['standard_deviation']:.4f}"]
    assert k3[4] == f"{pieces['mean']:.1f} ± {pieces['standard_deviation']:.1f}"
    assert page.tables[0][-1][:5] == ["second observer", "–", "0.7900", "0.8500", "1.5"]
    assert report["accuracy"]["differences"]["dice"]["k3"]["mean"] == pytest.approx(
        result["differences"]["network at 0.5"]["dice"]["k3"]["mean"]
    )


def test_masks_by_hysteresis_have_a_table_where_all_runs_have_them(tmp_path: Path) -> None:
    _, page, report = written(tmp_path, accuracy(hysteresis=True))
    scores, masks, *_ = page.tables
    assert masks[0] == ["variant", "Dice", "clDice", "Betti-0 error"]
    assert len(masks) == 1 + len(VARIANTS)
    column = scores[0].index("Betti-0 error")
    at_the_threshold = [value(row[column]) for row in scores[1 : 1 + len(VARIANTS)]]
    assert [value(row[-1]) for row in masks[1:]] == pytest.approx([one - 3 for one in at_the_threshold], abs=0.11)
    assert len(report["accuracy"]["hysteresis"]["rows"]) == len(VARIANTS)
    (tmp_path / "before").mkdir()
    text, _, report = written(tmp_path / "before", accuracy())
    assert "hysteresis" not in text
    assert "hysteresis" not in report["accuracy"]


def test_calibration_has_a_column_where_the_comparison_has_it(tmp_path: Path) -> None:
    result = accuracy()
    _, page, _ = written(tmp_path, result)
    ece = result["variants"]["k3"]["scores"]["network at 0.5"]["ece"]["pooled"]
    k3 = next(row for row in page.tables[0] if row[0] == "k3")
    assert (page.tables[0][0][-1], k3[-1]) == ("ECE", f"{ece['mean']:.4f} ± {ece['standard_deviation']:.4f}")
    assert page.tables[0][-1][-1] == "–", "the second observer gives no probability"
    assert "expected calibration error" in page.text
    for summary in result["variants"].values():
        del summary["scores"]["network at 0.5"]["ece"]
    (tmp_path / "before").mkdir()
    _, page, _ = written(tmp_path / "before", result)
    assert page.tables[0][0][-1] == "AP"
    assert "calibration" not in page.text


def test_intervals_stay_within_what_a_score_can_be(tmp_path: Path) -> None:
    result = accuracy(seeds=2, spread=0.15)
    raw = result["differences"]["network at 0.5"]["dice"]["k3"]["corrected_interval"]
    control = result["variants"]["k4"]["scores"]["network at 0.5"]["dice"]["image_mean"]["mean"]
    assert control + raw[1] > 1, "or nothing would be cut"
    _, _, report = written(tmp_path, result)
    shown = report["accuracy"]["differences"]["dice"]["k3"]["corrected_interval"]
    assert control + shown[1] == pytest.approx(1)


@pytest.mark.parametrize("seeds", [1, 3])
def test_a_cross_validation_is_called_one(tmp_path: Path, seeds: int) -> None:
    _, page, report = written(tmp_path, accuracy(seeds=seeds, images=12, folds=4))
    text = " ".join(page.text.split())
    assert report["accuracy"]["folds"] == 4
    named = "one seed" if seeds == 1 else "3 seeds"
    assert f"12 images of chasedb1, 4 folds, {named}; pooled scores are means over the folds" in text
    assert "A cross-validation: every image is scored by networks that learned from none of its fold." in text
    assert "95 % interval over folds." in text if seeds == 1 else "95 % interval over seeds and folds." in text
    assert ("exceeds its own spread over seeds" in text) == (seeds > 1)
    # in the answer, below the figure and in the protocol
    assert text.count("All folds started from one seed's weights, which the interval does not cover") == 3 * (seeds < 2)


def test_without_folds_nothing_is_said_of_them(tmp_path: Path) -> None:
    text, _, report = written(tmp_path, accuracy())
    assert "folds" not in report["accuracy"]
    assert "fold" not in text.partition("</style>")[2].partition("<pre>")[0]
    assert "exceeds its own spread over seeds" in text


def test_what_comes_from_files_is_escaped(tmp_path: Path) -> None:
    evil = "<script>alert('k4')</script>"
    results = [accuracy([evil, "$a$"]), speed([evil, "$a$"]), checkerboard([evil, "$a$"])]
    results[0]["protocol"]["data"] = results[0]["protocol"]["differing_settings"] = [evil]
    results[0]["failures"] = [{"run": evil, "reason": evil}]
    for result in results:
        result["command"] = [evil]
        result["environment"] = result["environment"] | {"processor": evil}
    text, page, _ = written(tmp_path, *results, title=evil)
    assert "<script" not in text
    assert page.text.count(evil) > 10
    assert any(evil in cell for table in page.tables for row in table for cell in row)


def test_the_page_needs_nothing_else(tmp_path: Path) -> None:
    text, page, report = written(tmp_path, accuracy(), speed(), checkerboard())
    references = re.findall(r'(?:src|href)="([^"]*)"', text)
    inside = [one.removeprefix("#") for one in references if one.startswith("#")]
    assert all(one.startswith(("data:", "#")) for one in references)
    assert inside == re.findall(r'<h2 id="([^"]*)"', text), "the contents list every section in its order"
    assert "url(" not in text
    assert "@import" not in text
    assert page.headings == [
        "Accuracy",
        "Differences to the control",
        "Accuracy against speed",
        "Speed",
        "Checkerboards",
        "Protocol and commands",
    ]
    assert text.count("<img") == text.count('src="data:image/png;base64,') == 2
    assert all(command in page.text for command in report["commands"])
    assert "fundus-unet train upsampler=bilinear seed=2" in page.text
    assert "data.patch_size: 32" in page.text


def test_it_is_read_in_three_minutes(tmp_path: Path) -> None:
    _, page, _ = written(tmp_path, accuracy(), speed(), checkerboard())
    assert len(page.text.split()) < 900


@pytest.mark.parametrize(
    ("result", "headings"),
    [
        (accuracy(), ["Accuracy", "Differences to the control"]),
        (accuracy(VARIANTS[:1]), ["Accuracy"]),
        (speed(), ["Speed"]),
        (checkerboard(), ["Checkerboards"]),
    ],
)
def test_each_comparison_alone(tmp_path: Path, result, headings) -> None:
    text, page, report = written(tmp_path, result)
    assert page.headings == [*headings, "Protocol and commands"]
    assert len(report["answer"]) == 1
    assert text.count('href="#') == len(page.headings)


def test_no_column_is_empty(tmp_path: Path) -> None:
    result = checkerboard(states=["init"])
    for states in result["variants"].values():
        states["init"] = measures(0.1, level=None, shift=None)
    plain = accuracy(observer=False)
    for summary in plain["variants"].values():
        summary["scores"]["network at 0.5"]["cldice"]["pooled"] = dict.fromkeys(
            ("mean", "standard_deviation", "per_seed")
        )
    _, page, _ = written(tmp_path, plain, speed(modes=["inference"]), result)
    assert page.tables[0][0] == ["variant", "parameters", "Dice", "Betti-0 error", "AUROC", "AP", "ECE"]
    assert page.tables[1][:2] == [["variant", "inference"], ["ms", "ratio"]]
    assert page.tables[2][1] == ["initial", "initial"]
    assert "–" not in "".join(cell for table in page.tables for row in table for cell in row)
    assert "second observer" not in page.text


def test_what_was_not_compared_and_what_differs_is_said(tmp_path: Path) -> None:
    result = accuracy()
    result["failures"] = [{"run": "k2_seed0", "reason": "training diverged"}]
    result["protocol"]["differing_settings"] = ["data.patch_size", "loss.bce_weight"]
    _, page, _ = written(tmp_path, result)
    assert "Not compared: k2_seed0: training diverged" in page.text
    assert "These runs differ in more than the upsampling: data.patch_size and loss.bce_weight." in page.text


def test_pictures_of_checkerboards_are_embedded_where_they_are(tmp_path: Path) -> None:
    for name in ("spectrum", "phase_means"):
        write_png(tmp_path / "checkerboard" / f"{name}.png", np.zeros((4, 4, 3), np.uint8))
    text, page, _ = written(tmp_path, checkerboard())
    assert text.count("<img") == 2
    assert "Power of the logits" in page.text
    assert "amplified" not in page.text


@pytest.mark.parametrize(
    ("kind", "damage"),
    [
        ("accuracy", {"variants": {}}),
        ("accuracy", {"variants": {"k4": {}}}),
        ("accuracy", {"differences": []}),
        ("accuracy", {"protocol": None}),
        ("accuracy", {"second_observer": 3}),
        ("speed", {"rows": [{"level": "network"}]}),
        ("speed", {"environment": {}}),
        ("checkerboard", {"variants": {"k4": {"init": {}}}}),
        ("checkerboard", {"protocol": {"images": 3}}),
        ("checkerboard", {"command": None}),
    ],
)
def test_a_damaged_result_is_one_message(tmp_path: Path, kind, damage) -> None:
    result = {"accuracy": accuracy, "speed": speed, "checkerboard": checkerboard}[kind]() | damage
    with pytest.raises(InputError, match="damaged, or of another version"):
        written(tmp_path, result)
    assert not (tmp_path / "report.html").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read"),
        ("[]", "cannot be read"),
        ('{"kind": "accuracy"}', "is no result of fundus-unet compare speed"),
        ('{"kind": "speed", "control": "k4"}', "is incomplete\n  got: no command, created, environment, rows"),
    ],
)
def test_a_file_that_is_no_result(tmp_path: Path, text, message) -> None:
    (tmp_path / "speed.json").write_text(text)
    with pytest.raises(InputError, match=message):
        written(tmp_path)


def test_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing to report"):
        written(tmp_path)
