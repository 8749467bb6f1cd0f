"""Trainings that are killed or fail in the middle: what is said, and what the next run makes."""

import pytest
from make_video import make_video
from tiny_models import make_tiny_model

from vidtag import LoadOptions, Settings
from vidtag.training.pretraining import PretrainOptions, pretrain


class Killed(Exception):
    """What ends a run in the middle."""


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return make_tiny_model(tmp_path_factory.mktemp("kills") / "base")


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    """Paths of three videos, the last of which is none."""
    folder = tmp_path_factory.mktemp("videos")
    for n in range(2):
        make_video(folder / f"{n}.mp4", num_frames=25, fps=12, size=(32, 32))
    (folder / "broken.mp4").write_bytes(b"nothing" * 40)
    return [str(folder / name) for name in ("0.mp4", "1.mp4", "broken.mp4")]


def on_torch(base) -> LoadOptions:
    return LoadOptions(model=base, device="cpu", engine="torch", precision="fp32")


@pytest.mark.parametrize("command", [("train", "--full"), ("pretrain",)])
def test_videos_that_can_not_be_read_are_blamed_and_not_the_disk(
    command, base, videos, tmp_path, run
):
    table = tmp_path / "labels.csv"
    table.write_text(f"{videos[2]},a,0,1\n")
    what = table if "--full" in command else videos[2]
    code, out, err = run(*command, str(what), "--from", str(base), "-o", str(tmp_path / "model"))
    last = err.splitlines()[-1]
    assert (code, out) == (1, "")
    assert "broken.mp4' is not a video that can be read" in last


def test_pretraining_on_nothing_is_one_line(base, tmp_path, run):
    code, out, err = run("pretrain", "--from", str(base), "-o", str(tmp_path / "model"))
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "nothing to learn from" in err


@pytest.mark.slow
def test_what_pretraining_left_out_is_still_said_after_a_kill(base, videos, tmp_path, run):
    options = PretrainOptions(
        load=on_torch(base), settings=Settings(), num_steps=3, batch_size=2, rate=1e-3
    )
    whole = pretrain(videos, str(tmp_path / "whole"), options)
    assert (whole.num_videos, len(whole.notes)) == (2, 1)

    def kill(done: int, total: int) -> None:
        if done == 1:
            raise Killed

    with pytest.raises(Killed):
        pretrain(videos, str(tmp_path / "killed"), options, advance=kill)
    result = pretrain(videos, str(tmp_path / "killed"), options)
    assert (result.num_videos, result.notes) == (2, whole.notes)
    cards = [(tmp_path / name / "README.md").read_bytes() for name in ("whole", "killed")]
    assert cards[0] == cards[1]
