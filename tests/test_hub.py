"""Models from the hub: downloaded once, then at home; every failure in one line, at once."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hub_stand_in import COMMIT, Hub, point_to, serve_hub
from make_video import make_video
from tiny_models import kinetics_labels, make_tiny_model

from vidtag.errors import ModelError
from vidtag.models.load import load_classifier
from vidtag.models.options import LoadOptions

BASE = "MCG-NJU/videomae-base-finetuned-kinetics"

LOAD = """
import json, sys
import numpy as np
from vidtag.errors import ModelError
from vidtag.models.load import load_classifier
from vidtag.models.options import LoadOptions
options = json.loads(sys.argv[1])
try:
    classifier = load_classifier(LoadOptions(**options))
except ModelError as exc:
    print(json.dumps({"code": exc.code, "model_id": exc.model_id, "message": str(exc)}))
    raise SystemExit
info = classifier.info
clips = np.arange(2 * info.num_frames * info.image_size**2 * 3, dtype=np.uint32)
clips = (clips * 2654435761 >> 24).astype(np.uint8)
clips = clips.reshape(2, info.num_frames, info.image_size, info.image_size, 3)
print(json.dumps({
    "labels": len(classifier.labels), "model_id": info.model_id, "revision": info.revision,
    "licence": info.licence, "window": str(info.window_seconds), "engine": info.engine,
    "logits": classifier.logits(clips).tolist(), "torch": "torch" in sys.modules,
}))
"""


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hub") / "model"
    return make_tiny_model(folder, num_labels=400, legacy_biases=True)


@pytest.fixture(scope="module")
def hub(model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    other = make_tiny_model(tmp_path_factory.mktemp("hub") / "other")
    values = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps({**values, "problem_type": "regression"}))
    bare = tmp_path_factory.mktemp("hub") / "bare"
    bare.mkdir()
    (bare / "README.md").write_text("nothing else")
    same = ("gated", "broken", "cut")
    models = {BASE: model_folder, **{f"somebody/{name}": model_folder for name in same}}
    with serve_hub({**models, "somebody/bare": bare, "somebody/other": other}) as hub:
        hub.gated.add("somebody/gated")
        hub.broken.add("somebody/broken")
        hub.cut.add("somebody/cut")
        yield hub


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


class Loaded(dict[str, Any]):
    stderr: str
    seconds: float


FETCH = """
import json, sys
from vidtag.models.source import find_model
print(json.dumps({"revision": find_model(**json.loads(sys.argv[1])).revision}))
"""


def environment(home: Path, endpoint: str) -> dict[str, str]:
    """An empty home but for what `home` holds, and a hub at `endpoint`."""
    hidden = ("HF_", "HUGGING", "TRANSFORMERS_", "XDG_")
    env = {key: value for key, value in os.environ.items() if not key.startswith(hidden)}
    return env | {
        "HOME": str(home),
        "HF_HOME": str(home / "hf"),
        "HF_ENDPOINT": endpoint,
        "HF_HUB_DISABLE_XET": "1",
        "VIDTAG_CACHE_DIR": str(home / "vidtag"),
        "NO_PROXY": "127.0.0.1,localhost",
    }


def load(
    home: Path, endpoint: str, *, script: str = LOAD, terminal: bool = False, **options: Any
) -> Loaded:
    """Load a model in a process of its own, with an empty home but for what `home` holds."""
    env = {
        **environment(home, endpoint),
        # tqdm draws off a terminal too at this position; so the hub's client has it.
        **({"TQDM_POSITION": "-1"} if terminal else {}),
    }
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, json.dumps(options)],
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    loaded = Loaded(json.loads(done.stdout))
    loaded.stderr = done.stderr
    loaded.seconds = time.monotonic() - started
    return loaded


@pytest.mark.slow
def test_the_base_model_is_downloaded_once_and_then_runs_offline(hub: Hub, home: Path) -> None:
    first = load(home, hub.endpoint, model="base", precision="fp32")
    assert first["model_id"] == BASE
    assert first["revision"] == COMMIT
    assert first["licence"] == "cc-by-nc-4.0"
    assert first["window"] == "2"
    assert first["labels"] == len(kinetics_labels())
    assert first.stderr == "", "a download draws its progress only where that is asked for"
    assert f"GET /storage/{BASE}/files/model.safetensors" in hub.requests

    hub.requests.clear()
    offline = load(home, "http://127.0.0.1:9", model=BASE, precision="fp32", offline=True)
    assert not offline["torch"], "the converted model is found again"
    assert offline["logits"] == first["logits"]

    cached = load(home, hub.endpoint, model=BASE, precision="fp32")
    assert cached["logits"] == first["logits"]
    assert hub.requests == [], "what is cached needs no look at the network"

    pinned = load(home, hub.endpoint, model=BASE, revision=COMMIT, precision="fp32")
    assert pinned["logits"] == first["logits"]
    assert np.isfinite(pinned["logits"]).all()


@pytest.mark.slow
def test_the_command_tags_from_the_hub_and_then_offline(
    run: Callable[..., tuple[int, str, str]],
    hub: Hub,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_video(tmp_path / "clip.mp4", num_frames=60)
    usual = ["clip.mp4", "-m", BASE, "--json", "--no-cache"]
    monkeypatch.chdir(tmp_path)
    with monkeypatch.context() as patch:
        point_to(hub.endpoint, tmp_path, patch)
        first = run(*usual)
    done = subprocess.run(
        [sys.executable, "-m", "vidtag", *usual, "--offline"],
        env=environment(tmp_path, "http://127.0.0.1:9"), capture_output=True, text=True,
        check=False, timeout=120,
    )  # fmt: skip
    results = []
    for code, out, err in (first, (done.returncode, done.stdout, done.stderr)):
        assert (code, err) == (0, "")
        document = json.loads(out)
        del document["timing"]
        results.append(document)
    assert results[0] == results[1]
    assert results[0]["model"]["id"] == BASE
    assert results[0]["model"]["revision"] == COMMIT
    assert results[0]["model"]["num_labels"] == 400


@pytest.mark.slow
def test_a_branch_is_another_name_of_a_commit(hub: Hub, home: Path) -> None:
    branch = load(home, hub.endpoint, script=FETCH, model=BASE, revision="v2")
    assert branch["revision"] == COMMIT
    again = load(home, hub.endpoint, script=FETCH, model=BASE, revision="v2", offline=True)
    assert again["revision"] == COMMIT


@pytest.mark.slow
@pytest.mark.parametrize("show_progress", [True, False])
def test_a_download_draws_its_progress_where_that_is_asked_for(
    hub: Hub, tmp_path: Path, show_progress: bool
) -> None:
    fetched = load(
        tmp_path, hub.endpoint, script=FETCH, terminal=True, model=BASE, show_progress=show_progress
    )
    assert fetched["revision"] == COMMIT
    assert ("model.safetensors" in fetched.stderr) == show_progress


@pytest.mark.parametrize(
    ("model", "options", "code", "hint"),
    [
        ("somebody/gated", {}, "gated_model", "HF_TOKEN"),
        ("somebody/unknown", {}, "unknown_model", "vidtag models"),
        ("somebody/bare", {}, "not_a_model", "config.json"),
        ("somebody/broken", {}, "hub_error", "503"),
        ("somebody/other", {}, "regression", "estimate quantities"),
        ("somebody/cut", {}, "download_failed", "try again"),
        (BASE, {"revision": "v3"}, "unknown_revision", "v3"),
        (BASE, {"offline": True}, "not_cached", f"vidtag models get {BASE}"),
        ("vidoe mae", {}, "unknown_model", "vidtag models"),
    ],
)
def test_what_the_hub_refuses_is_one_line(
    hub: Hub,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    model: str,
    options: dict[str, Any],
    code: str,
    hint: str,
) -> None:
    point_to(hub.endpoint, tmp_path, monkeypatch)
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # between the client's attempts
    hub.requests.clear()
    with pytest.raises(ModelError) as caught:
        load_classifier(LoadOptions(model=model, **options))
    failed = caught.value
    assert failed.code == code
    if code != "download_failed":
        assert not any("/storage/" in request for request in hub.requests), "no weights are had"
    assert failed.model_id == model
    assert hint in str(failed)
    assert "\n" not in str(failed)
    assert capfd.readouterr() == ("", "")


def test_a_near_name_is_told_where_the_hub_is_out_of_reach(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    point_to("http://127.0.0.1:9", tmp_path, monkeypatch)
    with pytest.raises(ModelError) as caught:
        load_classifier(LoadOptions(model=f"{BASE}s"))
    assert caught.value.code == "hub_unreachable"
    assert f"did you mean 'base' ({BASE})? Otherwise run `vidtag models" in str(caught.value)


@pytest.mark.slow
def test_an_unreachable_hub_is_reported_at_once(tmp_path: Path) -> None:
    failed = load(tmp_path, "http://127.0.0.1:9", model="base")
    assert failed["code"] == "hub_unreachable"
    assert "--model demo" in failed["message"]
    assert "knows drawn figures alone" in failed["message"]
    assert "`vidtag models get base`" in failed["message"]
    assert "did you mean" not in failed["message"]
    assert "\n" not in failed["message"]
    assert failed.stderr == ""
    assert failed.seconds < 5
