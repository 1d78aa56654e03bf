"""The files that a forge and a citation manager read: they parse, and say what the package says."""

import re
import tomllib
from typing import Any

import pytest
import yaml

import fundus_unet
from running import ROOT

WORKFLOW = ROOT / ".github" / "workflows" / "ci.yml"
FORMS = sorted(path for path in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml") if path.stem != "config")
ELEMENTS = {"markdown", "textarea", "input", "dropdown", "checkboxes"}


def parsed(path: Any) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_the_workflow_runs_what_a_change_must_pass_on_every_python_that_is_claimed():
    claimed = re.findall(r"Python :: (\d+\.\d+)", "\n".join(project()["classifiers"]))
    workflow = parsed(WORKFLOW)
    (job,) = workflow["jobs"].values()
    assert job["strategy"]["matrix"]["python"] == claimed
    assert project()["requires-python"] == f">={claimed[0]}"
    assert job["steps"][-1]["run"] == ".ci/run"
    assert workflow["permissions"] == {"contents": "read"}
    assert all(re.fullmatch(r"actions/[a-z-]+@v\d+", step["uses"]) for step in job["steps"][:-1])


def test_what_the_workflow_sets_is_what_make_reads():
    (job,) = parsed(WORKFLOW)["jobs"].values()
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert all(re.search(rf"^{name} \?=", makefile, re.MULTILINE) for name in job["env"])


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_an_issue_form_has_what_the_forge_requires(path):
    form = parsed(path)
    assert form["name"]
    assert form["description"]
    assert {element["type"] for element in form["body"]} <= ELEMENTS
    assert all(element["attributes"]["label"] for element in form["body"])
    names = [element["id"] for element in form["body"]]
    assert len(names) == len(set(names))


def test_issues_link_to_this_repository():
    (contact,) = parsed(ROOT / ".github" / "ISSUE_TEMPLATE" / "config.yml")["contact_links"]
    assert contact["url"].startswith(f"{project()['urls']['Homepage']}/security/")
    assert contact["url"] in (ROOT / "SECURITY.md").read_text(encoding="utf-8")


def test_the_citation_is_of_this_version():
    citation = parsed(ROOT / "CITATION.cff")
    assert citation["cff-version"] == "1.2.0"
    assert citation["version"] == fundus_unet.__version__
    assert citation["license"] == project()["license"]
    assert citation["repository-code"] == project()["urls"]["Homepage"]
    assert citation["message"]
    assert citation["title"]
    assert citation["authors"]
    for reference in citation["references"]:
        assert reference["type"]
        assert reference["title"]
        assert reference["authors"]
