"""What `vidtag models` shows at any width, and what it remembers of runs."""

import json
import platform
import re
from pathlib import Path

import pytest
from make_video import make_video

from vidtag.aliases import ALIASES
from vidtag.cache.scores import ScoreStore
from vidtag.cache.speeds import Speed, SpeedLog
from vidtag.cli.models_table import models_text
from vidtag.models.describe import describe_alias, list_models
from vidtag.tagging.tagger import Tagger


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own, and an empty one of the hub."""
    monkeypatch.setenv("VIDTAG_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "cache"


def speed(rate: float = 2.0, num_windows: int = 10, **other: str) -> Speed:
    facts = {"engine": "openvino", "device": "cpu", "precision": "fp32", **other}
    return Speed(windows_per_second=rate, num_windows=num_windows, **facts)


def lines(width: int | None, **options: bool) -> list[str]:
    return re.sub(
        r"\x1b\[[\d;]*m", "", models_text(list_models(), width=width, **options)
    ).splitlines()


@pytest.mark.parametrize("width", [80, 120, None])
def test_every_column_stands_whole(width):
    SpeedLog().note("demo", speed(200))
    header, *rows = lines(width)
    for name in ("alias", "download", "cached", "labels", "top-1", "window", "speed", "licence"):
        assert name in header
    assert all(len(line) <= (width or 200) for line in (header, *rows))
    assert "…" not in "".join((header, *rows))
    for row, alias in zip(rows, ALIASES.values(), strict=False):
        assert row.split()[0] == alias.name
        assert row.endswith(f"  {alias.licence}")


@pytest.mark.parametrize("width", [60, 48])
def test_a_narrow_terminal_keeps_the_licence(width):
    header, *rows = lines(width)
    assert "window" not in header
    for row, alias in zip(rows, ALIASES.values(), strict=False):
        assert row.split()[0] == alias.name
        assert row.endswith(f"  {alias.licence}")


def test_it_says_what_non_commercial_weights_are():
    assert any(line.startswith("cc-by-nc ") and "non-commercial" in line for line in lines(80))


def test_sizes_are_those_of_four_bytes_a_number_until_the_weights_are_there(cache):
    base = describe_alias("base")
    assert base.parameters is not None
    assert base.weights_bytes == 4 * base.parameters
    assert next(row.split()[1:3] for row in lines(None) if row.startswith("base")) == ["346", "MB"]
    demo = describe_alias("demo")
    assert demo.is_packaged
    assert 1_000_000 < (demo.weights_bytes or 0) < 20_000_000


def test_more_stands_behind_v(run):
    short, long = "\n".join(lines(None)), "\n".join(lines(None, verbose=True))
    for told in ("MODEL_ZOO.md", "GFLOPs", "MCG-NJU/videomae-base-finetuned-kinetics", "CLIP"):
        assert told not in short.replace("X-CLIP", "")
        assert told in long
    assert run("models", "-v")[1] == f"{long}\n"
    assert run("models")[1] == f"{short}\n"
    code, _, err = run("models", "-v", "get", "demo")
    assert (code, err) == (2, "vidtag: Invalid value: -v is for the list: vidtag models -v.\n")


def test_programs_get_all_fields(run):
    SpeedLog().note("demo", speed(3))
    listed = {one["name"]: one for one in json.loads(run("models", "--json")[1])}
    base, demo = listed["base"], listed["demo"]
    assert base["weights_bytes"] == 4 * base["parameters"]
    assert (base["window_seconds"], base["stride_seconds"], base["speeds"]) == (2.0, 1.0, [])
    assert demo["speeds"] == [
        {
            "engine": "openvino",
            "device": "cpu",
            "precision": "fp32",
            "windows_per_second": 3.0,
            "num_windows": 10,
        }
    ]
    for name in ("model_id", "tokens", "gflops", "licence", "accuracy", "is_cached", "num_labels"):
        assert name in base


def test_the_readme_shows_the_list_as_it_is():
    readme = (Path(__file__).parents[1] / ".github" / "docs" / "models.md").read_text()
    assert f"$ vidtag models\n{models_text(list_models())}```\n" in readme


def test_no_speed_is_shown_before_a_run(cache):
    assert "speed" not in "\n".join(lines(80))
    assert not cache.exists()


@pytest.mark.slow
def test_a_run_notes_its_speed(tmp_path, run):
    video = make_video(tmp_path / "clip.mp4", num_frames=25 * 30, fps=25)
    assert run(str(video), "-m", "demo", "--json", "-q")[0] == 0
    [noted] = SpeedLog().of("demo")
    assert (noted.device, noted.precision) == ("cpu", "fp32")
    assert noted.num_windows == 29 - 8  # all but the first batch
    assert noted.windows_per_second > 0
    [demo] = [one for one in list_models() if one.name == "demo"]
    assert demo.realtime_factor == noted.windows_per_second
    assert next(row for row in lines(80) if row.startswith("demo ")).split()[-2].endswith("x")
    # Stored scores say nothing of speed.
    assert run(str(video), "-m", "demo", "--json", "-q")[0] == 0
    assert SpeedLog().of("demo") == (noted,)
    assert run("cache", "--clear")[0] == 0
    assert SpeedLog().of("demo") == ()


@pytest.mark.slow
def test_nothing_is_noted_without_a_cache(tmp_path, run, cache):
    video = make_video(tmp_path / "clip.mp4", num_frames=25 * 30, fps=25)
    assert run(str(video), "-m", "demo", "--json", "-q", "--no-cache")[0] == 0
    assert not (cache / "speeds.sqlite3").exists()


def test_a_cache_that_takes_nothing_costs_the_note_alone(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    log = SpeedLog(tmp_path / "file" / "cache")
    log.note("demo", speed())
    assert log.of("demo") == ()
    (tmp_path / "speeds.sqlite3").write_text("no database")
    broken = SpeedLog(tmp_path)
    assert broken.of("demo") == ()
    broken.note("demo", speed())
    assert broken.of("demo") == (speed(),)


def test_speeds_are_told_apart_by_what_ran_and_where(monkeypatch):
    log = SpeedLog()
    log.note("demo", speed(2))
    log.note("demo", speed(5, engine="torch"))
    log.note("demo", speed(3))
    log.note("demo", speed(9, num_windows=3))
    log.note("other", speed(7))
    assert log.of("demo") == (speed(5, engine="torch"), speed(3))
    monkeypatch.setattr(platform, "node", lambda: "another")
    assert log.of("demo") == ()
    log.close()


@pytest.mark.slow
def test_a_model_that_has_no_identity_is_not_noted(tmp_path):
    from fake_classifier import FakeClassifier

    video = make_video(tmp_path / "clip.mp4", num_frames=25 * 30, fps=25)
    with ScoreStore() as store:
        Tagger(FakeClassifier(revision=None), store=store).tag(str(video))
        assert not SpeedLog().path.exists()
        Tagger(FakeClassifier(), store=store).tag(str(video))
        assert SpeedLog().of("fake")
