"""What a training may replace: a model that vidtag made, and never what is read."""

import json
from pathlib import Path

import pytest
from make_video import make_video

from vidtag.cli.train_run import as_model
from vidtag.errors import UsageError
from vidtag.training.clips import WorkFolder


@pytest.fixture
def labelled(tmp_path):
    """A folder per label, in a folder that is named like what a training of `lab` keeps."""
    for label in ("left", "right"):
        path = tmp_path / "lab.training" / label / "0.mp4"
        path.parent.mkdir(parents=True)
        make_video(path, num_frames=4, fps=4, size=(32, 32))
    return tmp_path / "lab.training"


def refused(run, *arguments: object) -> str:
    code, out, err = run(*map(str, arguments))
    assert (code, out, err.count("\n")) == (2, "", 1), err
    return err


def test_an_empty_name_is_not_that_of_the_folder_one_is_in(run, labelled, monkeypatch):
    monkeypatch.chdir(labelled)
    for command in ("train", "pretrain"):
        assert "say where the model goes" in refused(run, command, labelled, "-o", "")
    assert sorted(path.name for path in labelled.iterdir()) == ["left", "right"]


def test_what_is_read_is_not_replaced_by_any_option(run, labelled, tmp_path):
    base = tmp_path / "base"
    base.mkdir()
    (base / "config.json").write_text(json.dumps({"vidtag": {"trained": "head"}}))
    (tmp_path / "link").symlink_to(labelled)
    table = tmp_path / "labels.csv"
    table.write_text("".join(f"{path},{path.parent.name}\n" for path in labelled.glob("*/*")))
    for arguments in (
        ("train", labelled, "-o", labelled),
        ("train", labelled, "-o", f"{labelled}/"),
        ("train", labelled, "-o", tmp_path / "link"),
        ("train", labelled, "-o", tmp_path),
        ("train", table, "-o", labelled),
        ("train", labelled, "--from", base, "-o", base),
        ("pretrain", labelled / "left" / "0.mp4", "-o", labelled),
        ("pretrain", labelled / "left" / "0.mp4", "--from", base, "-o", base),
    ):
        assert "is read and would be overwritten" in refused(run, *arguments, "--force")
    assert len(list(labelled.glob("*/*.mp4"))) == 2


def test_a_folder_that_is_named_like_that_of_checkpoints_is_not_removed(labelled, tmp_path):
    with pytest.raises(UsageError, match="of something else is in it"):
        WorkFolder.of(str(tmp_path / "lab")).open({}, [])
    assert len(list(labelled.glob("*/*.mp4"))) == 2


def test_what_a_torn_removal_left_is_no_obstacle(tmp_path):
    work = WorkFolder.of(str(tmp_path / "model"))
    work.open({}, [])
    (work.path / "checkpoint.pt").write_bytes(b"half")
    (work.path / "facts.json").unlink()
    assert not work.open({}, [])
    assert [path.name for path in work.path.iterdir()] == ["facts.json"]


def test_checkpoints_lie_beside_the_model_however_it_is_named(tmp_path, monkeypatch):
    model = tmp_path / "model"
    model.mkdir()
    (tmp_path / "link").symlink_to(model)
    monkeypatch.chdir(model)
    for name in (str(model), f"{model}//", ".", "./", "../model", str(tmp_path / "link")):
        assert WorkFolder.of(name).path == Path(f"{model.resolve()}.training")


def test_a_model_that_is_called_like_an_alias_is_named_as_a_folder():
    assert [as_model(name) for name in ("demo", "mine", "a/demo")] == ["./demo", "mine", "a/demo"]


@pytest.mark.parametrize(
    "options",
    [("--epochs", "3"), ("--no-flip",), ("--batch-size", "4"), ("--rate", "0.1"),
     ("--precision", "bf16")],
)  # fmt: skip
def test_what_a_last_layer_has_no_use_for_is_refused(run, labelled, tmp_path, options):
    said = refused(run, "train", labelled, "-o", tmp_path / "model", *options)
    assert f"{options[0]} can't be followed without --full" in said
