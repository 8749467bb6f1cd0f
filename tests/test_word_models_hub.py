"""Video-text models from the hub: with the files that read words, and at pinned commits."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hub_stand_in import COMMIT, Hub, serve_hub
from make_video import make_video
from tiny_word_models import make_tiny_word_model

from vidtag.aliases import ALIASES, PINNED
from vidtag.models.source import content_revision

XCLIP = "microsoft/xclip-base-patch32"
FRAMES_16 = "microsoft/xclip-base-patch32-16-frames"
PRISM = "google/videoprism-lvt-base-f16r288"


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


def vidtag(home: Path, endpoint: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own, with an empty home but for what `home` holds."""
    hidden = ("HF_", "HUGGING", "TRANSFORMERS_", "XDG_")
    env = {key: value for key, value in os.environ.items() if not key.startswith(hidden)}
    env |= {
        "HOME": str(home),
        "HF_HOME": str(home / "hf"),
        "HF_ENDPOINT": endpoint,
        "HF_HUB_DISABLE_XET": "1",
        "VIDTAG_CACHE_DIR": str(home / "vidtag"),
        "NO_PROXY": "127.0.0.1,localhost",
    }
    command = [sys.executable, "-m", "vidtag", *arguments]
    return subprocess.run(
        command, env=env, capture_output=True, text=True, check=False, timeout=120
    )


@pytest.mark.slow
def test_x_clip_comes_with_its_words_and_then_runs_offline(
    hub: Hub, clip: str, tmp_path: Path
) -> None:
    words = ["--json", "--no-cache", "--label", "opening the till"]
    first = vidtag(tmp_path, hub.endpoint, clip, *words)
    assert first.returncode == 0, first.stderr
    document = json.loads(first.stdout)
    model = document["model"]
    assert (model["id"], model["revision"], model["licence"]) == (XCLIP, COMMIT, "mit")
    assert document["sampling"]["window_seconds"] == 4
    assert any(request.endswith("tokenizer.json") for request in hub.requests)

    hub.requests.clear()
    offline = ["-m", XCLIP, "--offline", *words]
    again = vidtag(tmp_path, "http://127.0.0.1:9", clip, *offline)
    assert again.returncode == 0, again.stderr
    same = json.loads(again.stdout)
    assert same["timeline"] == document["timeline"]
    other = vidtag(tmp_path, "http://127.0.0.1:9", clip, *offline, "--label", "a cow")
    assert other.returncode == 0, other.stderr
    listed = json.loads(vidtag(tmp_path, "http://127.0.0.1:9", "models", "--json").stdout)
    assert {one["name"] for one in listed if one["is_cached"]} >= {"xclip"}


@pytest.mark.slow
def test_x_clip_of_16_frames_goes_by_its_id(hub: Hub, clip: str, tmp_path: Path) -> None:
    done = vidtag(tmp_path, hub.endpoint, clip, "-m", FRAMES_16, "--json", "-k", "1")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["model"]["num_frames"] == 16
    assert document["model"]["num_labels"] == 400
    assert document["sampling"]["window_seconds"] == 4


@pytest.mark.slow
def test_videoprism_comes_from_the_commit_that_holds_its_weights(hub: Hub, tmp_path: Path) -> None:
    done = vidtag(tmp_path, hub.endpoint, "models", "get", "videoprism")
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).name == PINNED[PRISM] == ALIASES["videoprism"].revision
    listed = json.loads(vidtag(tmp_path, "http://127.0.0.1:9", "models", "--json").stdout)
    assert {one["name"] for one in listed if one["is_cached"]} >= {"videoprism"}
    asked = vidtag(tmp_path, hub.endpoint, "models", "get", PRISM, "--revision", "main")
    assert asked.returncode == 1
    assert "no revision 'main'" in asked.stderr


@pytest.mark.slow
def test_a_model_without_a_tokenizer_is_refused(hub: Hub, tmp_path: Path) -> None:
    done = vidtag(tmp_path, hub.endpoint, "models", "get", "somebody/mute")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "vidtag: Can't load the model 'somebody/mute': in its repository there is no "
        "tokenizer.json; try another."
    )
    assert not any("storage/somebody/mute" in request for request in hub.requests)


def test_a_folder_without_a_tokenizer_is_refused(
    hub: Hub, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from vidtag.cli import app

    folder = str(hub.models["somebody/mute"])
    monkeypatch.setattr(sys, "argv", ["vidtag", "x.mp4", "-m", folder])
    monkeypatch.setattr("vidtag.cli.tag_run._foresee_failures", lambda items: {})
    assert app.run() == 1
    [line] = capsys.readouterr().err.splitlines()
    assert "there is no tokenizer.json in it" in line


def test_the_tokenizer_is_part_of_what_a_folder_is(hub: Hub, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(hub.models[XCLIP], tmp_path / "model"))
    before = content_revision(folder)
    (folder / "tokenizer_config.json").write_text("{}")
    assert content_revision(folder) != before


def test_labels_of_aliases_come_with_the_package(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from vidtag.cli import app

    monkeypatch.setattr(sys, "argv", ["vidtag", "labels", "-m", "xclip", "--offline"])
    assert app.run() == 0
    assert len(capsys.readouterr().out.splitlines()) == 400
