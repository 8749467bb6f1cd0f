"""--precision int8: calibrated on the user's videos, kept, and never on less or on noise."""

import json

import numpy as np
import pytest
from make_video import draw_index, make_video
from tiny_models import make_tiny_model

from vidtag import Tagger
from vidtag.cache.contents import hash_file
from vidtag.errors import ModelLoadError, ModelOptionError
from vidtag.models.options import LoadOptions
from vidtag.tagging.calibrating import calibrate

pytest.importorskip("nncf")
pytestmark = pytest.mark.slow


def moving(index: int) -> np.ndarray:
    """Draw frames of which no two are alike, with large shapes that move."""
    image = draw_index(index)
    image[40:60, (3 * index) % 140 : (3 * index) % 140 + 20] = (200, 30, (7 * index) % 256)
    return image


@pytest.fixture(scope="module")
def videos(tmp_path_factory) -> list[str]:
    """Two videos of 24 s: 46 windows."""
    folder = tmp_path_factory.mktemp("videos")
    return [
        str(make_video(folder / f"{name}.mp4", num_frames=120, fps=5, draw=moving))
        for name in ("one", "two")
    ]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("VIDTAG_CACHE_DIR", str(tmp_path / "cache"))
    return str(make_tiny_model(tmp_path / "tiny", image_size=64))


def test_the_first_run_calibrates_and_later_ones_start_at_once(run, videos, folder):
    arguments = ("-m", folder, "--precision", "int8", "--offline", "--no-cache", "--json")
    code, out, err = run(*videos, *arguments)
    assert code == 0, err
    ids = sorted({hash_file(path) for path in videos})
    engines = [json.loads(line)["engine"] for line in out.splitlines()]
    assert (
        engines
        == [
            {
                "name": "openvino",
                "device": "cpu",
                "precision": "int8",
                "calibrated_on": ids,
            }
        ]
        * 2
    )
    # One video alone has too few windows for a calibration, and needs none any more.
    code, again, err = run(videos[0], *arguments)
    assert code == 0
    assert set(err.splitlines()) <= {
        "warning: The processor has no 8-bit products (VNNI), so int8 saves no time here."
    }
    first, later = (json.loads(text.splitlines()[0]) for text in (out, again))
    assert first["timeline"] == later["timeline"]
    exact = Tagger(folder, device="cpu", precision="fp32").score(videos[0])
    scored = Tagger(folder, precision="int8").score(videos[0])
    assert not np.array_equal(exact.logits, scored.logits)
    differences = np.abs(exact.logits - scored.logits)
    assert differences.mean() < 0.2 * np.abs(exact.logits).mean()


def test_it_goes_together_with_fast(run, videos, folder, tmp_path):
    calibrate(videos, LoadOptions(model=folder, offline=True))
    with pytest.raises(ModelLoadError, match="has to be calibrated"):
        Tagger(folder, precision="int8", fast=True)
    # What was made before of other videos, or in another order, makes room.
    extra = str(make_video(tmp_path / "extra.mp4", num_frames=50, fps=5, draw=moving))
    calibrate([*videos, extra], LoadOptions(model=folder, offline=True, fast=True))
    videos = [*videos, extra]
    code, out, err = run("compare", videos[0], "-m", folder, "--precision", "int8", "--fast",
                         "--offline", "--json")  # fmt: skip
    assert code == 0, err
    content = json.loads(out)
    assert content["exact"]["precision"] in ("fp32", "bf16")
    assert content["shortcut"]["precision"] == "int8"
    assert content["shortcut"]["fast"] is True
    assert content["videos"][0]["still_share"] > 0.3
    document = Tagger(folder, precision="int8", fast=True).tag(videos[0])
    assert document.engine.fast
    assert document.engine.calibrated_on == tuple(sorted({hash_file(path) for path in videos}))


def test_too_few_windows_are_refused_with_what_to_do(run, videos, folder, tmp_path):
    still = str(make_video(tmp_path / "still.mp4", num_frames=300, fps=5, draw=lambda _: moving(0)))
    for few in ([videos[0]], [still], [videos[0], still]):
        code, out, err = run(*few, "-m", folder, "--precision", "int8", "--offline")
        assert (code, out) == (1, "")
        assert "40 windows that differ" in err
        assert "name more videos once" in err


def test_a_program_calibrates_first_and_on_files_alone(videos, folder):
    options = LoadOptions(model=folder, precision="int8", offline=True)
    with pytest.raises(ModelLoadError, match="has to be calibrated") as caught:
        Tagger(options)
    assert caught.value.code == "not_calibrated"
    noise = np.random.default_rng(0).integers(0, 256, (400, 64, 64, 3), np.uint8)
    for drawn in (noise, noise.tobytes()):
        with pytest.raises(TypeError, match="a video to calibrate on"):
            calibrate([drawn], options)
    with pytest.raises(ModelLoadError, match="has to be calibrated"):
        Tagger(options)
    made = calibrate(videos, options)
    assert made.num_windows >= 40
    assert Tagger(options).classifier.info.calibration == made


def test_what_int8_is_not_for_is_refused(folder):
    with pytest.raises(ModelOptionError, match="nt8 is for the openvino engine"):
        Tagger(folder, precision="int8", engine="torch")
    with pytest.raises(ModelOptionError, match="compare videos with text"):
        Tagger("demo-words", precision="int8")
