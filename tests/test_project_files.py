"""What installs, tests and ships vidtag agrees with pyproject.toml."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def constraints() -> dict[str, str]:
    """Return the tested release of each library."""
    pins = {}
    for line in (ROOT / ".ci" / "constraints.txt").read_text(encoding="utf-8").splitlines():
        if pin := line.split("#")[0].strip():
            name, release = pin.split("==")
            assert canonicalize_name(name) not in pins, f"{name} is pinned twice"
            pins[canonicalize_name(name)] = release
    return pins


def direct_requirements() -> list[Requirement]:
    optional = PROJECT["optional-dependencies"].values()
    listed = [*PROJECT["dependencies"], *(line for group in optional for line in group)]
    return [Requirement(line) for line in listed]


@pytest.mark.parametrize("requirement", direct_requirements(), ids=lambda r: r.name)
def test_each_dependency_has_a_tested_release_in_its_range(requirement):
    pins = constraints()
    name = canonicalize_name(requirement.name)
    assert name in pins, f"{name} has no line in .ci/constraints.txt"
    assert requirement.specifier.contains(pins[name]), f"{name} {pins[name]} is not {requirement}"


def test_only_dependencies_have_a_tested_release():
    assert set(constraints()) == {canonicalize_name(r.name) for r in direct_requirements()}


def test_torch_is_pinned_without_a_build():
    """`==2.13.0` takes 2.13.0+cpu as well; `==2.13.0+cpu` would take nothing else."""
    assert "+" not in constraints()["torch"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_are_yaml_and_take_no_more_rights_than_they_need(path):
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert workflow["permissions"] == {"contents": "read"}
    may_write = [name for name, job in workflow["jobs"].items() if "permissions" in job]
    assert may_write == (["publish"] if path.name == "publish.yml" else [])
    used = re.findall(r"^ *(?:- )?uses: (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert used
    for action in used:
        assert re.search(r"@(v\d+|release/v\d+|[0-9a-f]{40})$", action) or action.startswith("./")


def test_the_pythons_that_are_tested_are_those_that_are_promised():
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "tests.yml").read_text())
    promised = [
        classifier.rpartition(" ")[2]
        for classifier in PROJECT["classifiers"]
        if re.fullmatch(r"Programming Language :: Python :: 3\.\d+", classifier)
    ]
    assert workflow["jobs"]["suite"]["strategy"]["matrix"]["python"] == promised
    assert PROJECT["requires-python"] == f">={promised[0]}"


def test_the_map_for_contributors_is_true():
    text = (ROOT / ".github" / "CONTRIBUTING.md").read_text()
    paths = re.findall(r"`((?:vidtag|tests|\.ci)/[\w./*<>-]*)`", text)
    assert len(paths) > 25
    for path in paths:
        assert list(ROOT.glob(path)), path
    rooms = {path.split("/")[1] for path in paths if path.count("/") == 2 and path[-1] == "/"}
    there = {p.name for p in (ROOT / "vidtag").iterdir() if p.is_dir() and p.name[0] != "_"}
    assert rooms == there


def test_nothing_else_lies_at_the_top():
    made = {"build", "dist"}  # by who packs it
    there = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")} - made
    assert there <= {"LICENSE", "README.md", "pyproject.toml", "sample_videos", "tests", "vidtag"}
