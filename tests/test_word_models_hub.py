"""Video-text models from the hub: with the files that read words, and at pinned commits."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hub_stand_in import COMMIT, Hub, point_to, serve_hub
from make_video import make_video
from test_hub import environment
from tiny_word_models import make_tiny_word_model

from vidtag.aliases import ALIASES, PINNED
from vidtag.models.source import content_revision

XCLIP = "microsoft/xclip-base-patch32"
FRAMES_16 = "microsoft/xclip-base-patch32-16-frames"
PRISM = "google/videoprism-lvt-base-f16r288"
NOWHERE = "http://127.0.0.1:9"

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    root = tmp_path_factory.mktemp("hub")
    xclip = make_tiny_word_model(root / "xclip")
    more = make_tiny_word_model(root / "more", num_frames=16)
    prism = make_tiny_word_model(root / "prism", "videoprism", num_frames=16)
    mute = Path(shutil.copytree(xclip, root / "mute"))
    for name in ("tokenizer.json", "vocab.json", "merges.txt"):
        (mute / name).unlink(missing_ok=True)
    models = {XCLIP: xclip, FRAMES_16: more, PRISM: prism, "somebody/mute": mute}
    with serve_hub(models) as hub:
        hub.pinned[PRISM] = PINNED[PRISM]
        yield hub


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(make_video(tmp_path_factory.mktemp("clip") / "clip.mp4", num_frames=130, fps=25))


@pytest.mark.slow
def test_x_clip_comes_with_its_words_and_then_runs_offline(
    run: Run, hub: Hub, clip: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["--json", "--no-cache", "--label", "opening the till"]
    with monkeypatch.context() as patch:
        point_to(hub.endpoint, tmp_path, patch)
        code, out, err = run(clip, *words)
    assert code == 0, err
    document = json.loads(out)
    model = document["model"]
    assert (model["id"], model["revision"], model["licence"]) == (XCLIP, COMMIT, "mit")
    assert document["sampling"]["window_seconds"] == 4
    assert any(request.endswith("tokenizer.json") for request in hub.requests)

    # A process of its own has nothing but what lies on the disk.
    def offline(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "vidtag", *arguments], env=environment(tmp_path, NOWHERE),
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    again = [clip, "-m", XCLIP, "--offline", *words]
    assert json.loads(offline(*again))["timeline"] == document["timeline"]
    offline(*again, "--label", "a cow")
    listed = json.loads(offline("models", "--json"))
    assert {one["name"] for one in listed if one["is_cached"]} >= {"xclip"}


@pytest.mark.slow
def test_x_clip_of_16_frames_goes_by_its_id(
    run: Run, hub: Hub, clip: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    point_to(hub.endpoint, tmp_path, monkeypatch)
    code, out, err = run(clip, "-m", FRAMES_16, "--json", "-k", "1", "--engine", "torch")
    assert code == 0, err
    document = json.loads(out)
    assert document["model"]["num_frames"] == 16
    assert document["model"]["num_labels"] == 400
    assert document["sampling"]["window_seconds"] == 4


@pytest.mark.slow
def test_videoprism_comes_from_the_commit_that_holds_its_weights(
    run: Run, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    point_to(hub.endpoint, tmp_path, monkeypatch)
    code, out, err = run("models", "get", "videoprism")
    assert code == 0, err
    assert Path(out.strip()).name == PINNED[PRISM] == ALIASES["videoprism"].revision
    code, _, err = run("models", "get", PRISM, "--revision", "main")
    assert code == 1
    assert "no revision 'main'" in err
    point_to(NOWHERE, tmp_path, monkeypatch)
    listed = json.loads(run("models", "--json")[1])
    assert {one["name"] for one in listed if one["is_cached"]} >= {"videoprism"}


def test_a_model_without_a_tokenizer_is_refused(
    run: Run, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    point_to(hub.endpoint, tmp_path, monkeypatch)
    code, _, err = run("models", "get", "somebody/mute")
    assert code == 1
    assert err.splitlines()[-1] == (
        "vidtag: Can't load the model 'somebody/mute': in its repository there is no "
        "tokenizer.json; try another."
    )
    assert not any("storage/somebody/mute" in request for request in hub.requests)


def test_a_folder_without_a_tokenizer_is_refused(
    run: Run, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vidtag.cli.tag_run._foresee_failures", lambda items: {})
    code, _, err = run("x.mp4", "-m", str(hub.models["somebody/mute"]))
    assert code == 1
    [line] = err.splitlines()
    assert "there is no tokenizer.json in it" in line


def test_the_tokenizer_is_part_of_what_a_folder_is(hub: Hub, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(hub.models[XCLIP], tmp_path / "model"))
    before = content_revision(folder)
    (folder / "tokenizer_config.json").write_text("{}")
    assert content_revision(folder) != before


def test_labels_of_aliases_come_with_the_package(run: Run) -> None:
    code, out, _ = run("labels", "-m", "xclip", "--offline")
    assert code == 0
    assert len(out.splitlines()) == 400
