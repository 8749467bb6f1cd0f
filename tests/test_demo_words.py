"""The packaged video-text model: words work offline, on drawn figures."""

import json
import sys
from pathlib import Path

import pytest

from vidtag import Tagger
from vidtag.aliases import ALIASES
from vidtag.cli import app
from vidtag.models.source import PACKAGED

SAMPLES = Path(__file__).parents[1] / "sample_videos"
GYM = str(SAMPLES / "gym_session.mp4")


@pytest.fixture(scope="module")
def squats():
    return Tagger("demo-words", labels=["a person doing squats"]).tag(GYM)


@pytest.mark.slow
def test_a_word_is_found_where_it_happens_and_nowhere_else(squats):
    [truth] = [
        one for one in json.loads(Path(GYM).with_suffix(".json").read_text())["segments"]
        if one["label"] == "squat"
    ]  # fmt: skip
    [segment] = squats.segments
    assert segment.label == "a person doing squats"
    assert segment.start_seconds == pytest.approx(truth["start_seconds"], abs=1)
    assert segment.end_seconds == pytest.approx(truth["end_seconds"], abs=1)
    assert segment.score >= 0.7
    others = [
        step for step in squats.timeline
        if step.end_seconds <= truth["start_seconds"] or step.start_seconds >= truth["end_seconds"]
    ]  # fmt: skip
    assert sum(step.tags[0].score for step in others) / len(others) <= 0.05
    assert all(step.background_score > 0.5 for step in others)


@pytest.mark.slow
def test_what_means_the_same_is_left_out_of_the_background(squats):
    left_out = {one.phrase for one in squats.model.background.left_out}
    assert "squat" in left_out
    assert squats.model.background.source == "model"
    assert squats.model.background.num_phrases > 15


@pytest.mark.slow
def test_without_words_it_names_the_actions_of_the_drawn_figures():
    document = Tagger("demo-words").tag(GYM)
    held = [segment.label for segment in document.segments]
    assert held == ["doing aerobics", "squat", "push up", "pull ups"]
    assert document.background_score is None


@pytest.mark.slow
def test_it_says_what_it_is(capfd, monkeypatch):
    monkeypatch.setattr(
        sys, "argv", ["vidtag", GYM, "--end", "3", "-m", "demo-words", "--label", "squats"]
    )
    assert app.run() == 0
    told = capfd.readouterr()
    assert ALIASES["demo-words"].note in told.out
    assert "drawn figures only" in told.err


def test_it_is_small():
    folder = PACKAGED["demo-words"]
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 12.5e6
    assert (folder / "model.safetensors").stat().st_size <= 12e6
