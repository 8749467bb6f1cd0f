"""`vidtag labels`: without network, and looked through."""

import json
import sys
from pathlib import Path

import pytest
from tiny_models import make_tiny_model

from vidtag.aliases import ALIASES
from vidtag.models.describe import published_config
from vidtag.models.labels import find_labels, near_labels, read_labels, shipped_labels
from vidtag.models.words.lists import read_vocabulary

HUB_ALIASES = [name for name, alias in ALIASES.items() if alias.hub_id]


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the hub."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


@pytest.mark.parametrize("alias", HUB_ALIASES)
def test_every_alias_has_its_labels_in_the_package(alias, hub, run):
    code, out, err = run("labels", "-m", alias, "--offline")
    assert (code, err) == (0, "")
    assert len(set(out.splitlines())) == len(published_config(alias).labels)
    assert read_labels(str(ALIASES[alias].hub_id)) == tuple(out.splitlines())


def test_labels_come_in_the_order_of_the_classes():
    something, kinetics = (read_vocabulary(n) for n in ("something_something_v2", "kinetics400"))
    assert (len(something), len(kinetics)) == (174, 400)
    assert something[0] == "Approaching something with your camera"
    assert something[67] == "Pretending to open something without actually opening it"
    assert something[173] == "Wiping something off of something"
    assert (kinetics[0], kinetics[399]) == ("abseiling", "zumba")


def test_a_cached_model_names_its_own(hub, run):
    commit = "a" * 40
    repository = hub / "models--MCG-NJU--videomae-base-finetuned-ssv2"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(commit)
    folder = make_tiny_model(repository / "snapshots" / commit, num_labels=5)
    assert run("labels", "-m", "ssv2")[1].splitlines() == [f"action {n}" for n in range(5)]
    (folder / "config.json").write_text("{")
    code, out, err = run("labels", "-m", "ssv2")
    assert (code, out) == (1, "")
    assert "config.json can't be read" in err


def test_another_revision_is_not_what_the_package_names(hub, run):
    code, out, err = run("labels", "-m", "base", "--revision", "v2", "--offline")
    assert (code, out) == (1, "")
    assert len(err.splitlines()) == 1


def test_folders_and_packaged_models_have_no_list(hub):
    assert shipped_labels("demo") is None
    assert shipped_labels("./base") is None


def test_words_are_found_in_any_case_and_order(run):
    code, out, err = run("labels", "--find", "KICK")
    assert (code, err) == (0, "")
    assert "side kick" in out.splitlines()
    assert all("kick" in line for line in out.splitlines())
    assert run("labels", "--find", "ball kick", "-m", "base")[1].splitlines() == [
        "kicking soccer ball",
        "playing kickball",
    ]
    assert find_labels(["a b", "B a", "b"], "B A") == [(0, "a b"), (1, "B a")]


def test_programs_get_the_index_too(run):
    code, out, _ = run("labels", "-m", "ssv2", "--find", "wiping", "--json")
    assert code == 0
    assert json.loads(out) == [{"index": 173, "label": "Wiping something off of something"}]
    assert len(json.loads(run("labels", "-m", "demo", "--json")[1])) == 22


def test_what_is_nearly_a_label_is_asked_about(run):
    code, out, err = run("labels", "--find", "joging")
    assert (code, out) == (1, "")
    assert err == "vidtag: No label of base has 'joging' in it; did you mean 'jogging'?\n"
    assert near_labels(["a cat", "a bat"], "zebra") == []


def test_what_nothing_knows_goes_to_a_model_that_takes_words(run):
    code, out, err = run("labels", "--find", "fridge", "-m", "ssv2")
    assert (code, out) == (1, "")
    assert err.endswith("own words may do: vidtag VIDEO -m xclip --label 'fridge'\n")
    assert "-m xclip-large --label" in run("labels", "-m", "xclip-large", "--find", "qqq")[2]
    assert run("labels", "--find", " ")[0] == 2


def test_finding_a_label_loads_no_numpy(tmp_path):
    import subprocess

    script = (
        "import sys; from vidtag.models.labels import read_labels; read_labels('base')\n"
        "print(sorted({'numpy', 'torch', 'transformers', 'pydantic'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert done.stdout.decode().strip() == "[]"
