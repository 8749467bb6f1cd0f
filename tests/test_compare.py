"""`vidtag compare`: what a shortcut changes, against what was computed by hand."""

import io
import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from fake_classifier import FakeClassifier
from make_video import make_video
from tiny_models import make_tiny_model

from vidtag import Tagger
from vidtag.tagging.comparing import compare_runs, sum_up
from vidtag.tagging.settings import Settings


@pytest.fixture(scope="module")
def video(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("videos") / "counting.mp4"
    return str(make_video(path, num_frames=80, fps=10))


@pytest.fixture(scope="module")
def scored(video):
    return Tagger(FakeClassifier()).score(video)


def changed(scored, logits, **timing):
    info = replace(scored.model, still_threshold=0.1)
    shares = np.full(len(logits), 0.5, np.float32)
    return replace(
        scored,
        logits=np.asarray(logits, np.float32),
        model=info,
        still_shares=shares,
        timing=replace(scored.timing, **timing),
    )


def logits_of(labels: str) -> list[list[float]]:
    """Give windows that say one of three labels loudly, or (a capital) less so."""
    rows = []
    for label in labels:
        row = [0.0, 0.0, 0.0]
        row["abc".index(label.lower())] = 6.0 if label.islower() else 3.0
        rows.append(row)
    return rows


def test_a_run_agrees_with_itself(scored):
    one = compare_runs(scored, scored, Settings())
    assert (one.num_same_steps, one.num_steps) == (8, 8)
    assert one.mean_change == one.largest_change == 0
    assert (one.num_segments, one.num_moved_segments, one.most_moved_seconds) == (2, 0, 0)
    assert (one.num_lost_segments, one.num_new_segments) == (0, 0)
    assert one.still_share is None
    assert one.same_share == one.ratio == one.model_ratio == 1


def test_changes_are_those_of_the_timelines(scored):
    exact = replace(scored, logits=np.array(logits_of("aaaabbb"), np.float32))
    moved = changed(scored, logits_of("aabbbbb"), total_seconds=1.0, model_seconds=0.5)
    exact = replace(exact, timing=replace(exact.timing, total_seconds=3.0, model_seconds=2.0))
    one = compare_runs(exact, moved, Settings())
    steps, others = exact.timeline()[0], moved.timeline()[0]
    differences = [np.abs(a.scores - b.scores).max() for a, b in zip(steps, others, strict=True)]
    assert one.num_same_steps == sum(
        a.scores.argmax() == b.scores.argmax() for a, b in zip(steps, others, strict=True)
    )
    assert one.num_same_steps < one.num_steps == 8
    assert one.largest_change == pytest.approx(max(differences), abs=1e-6)
    assert one.mean_change == pytest.approx(np.mean(differences), abs=1e-6)
    assert (one.num_segments, one.num_moved_segments, one.most_moved_seconds) == (2, 2, 2.0)
    assert one.still_share == 0.5
    assert (one.ratio, one.model_ratio) == (3, 4)


def test_segments_that_are_gone_and_new_are_counted(scored):
    exact = replace(scored, logits=np.array(logits_of("aaabbbb"), np.float32))
    other = changed(scored, logits_of("aaacccc"))
    one = compare_runs(exact, other, Settings())
    assert (one.num_segments, one.num_lost_segments, one.num_new_segments) == (2, 1, 1)


def test_several_videos_are_summed_up_by_their_steps(scored):
    exact = replace(scored, logits=np.array(logits_of("aaaabbb"), np.float32))
    same = compare_runs(exact, changed(exact, exact.logits), Settings())
    other = compare_runs(exact, changed(exact, logits_of("aabbbbb")), Settings())
    total = sum_up([same, same, other])
    assert total.num_steps == 24
    assert total.num_same_steps == 16 + other.num_same_steps
    assert total.mean_change == pytest.approx(other.mean_change / 3, abs=1e-6)
    assert total.largest_change == other.largest_change
    assert total.num_windows == 21
    assert total.still_share == 0.5


def test_runs_over_other_windows_are_refused(scored):
    with pytest.raises(ValueError, match="other windows"):
        compare_runs(scored, scored[Fraction(2) :], Settings())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_tiny_model(tmp_path_factory.mktemp("models") / "tiny", image_size=64)


@pytest.mark.slow
def test_the_command_prints_a_table_and_json(run, video, folder, tmp_path):
    other = str(make_video(tmp_path / "still.mp4", num_frames=50, fps=10, draw=lambda _: STILL))
    arguments = ("compare", video, other, "-m", str(folder), "--fast", "--offline")
    code, out, err = run(*arguments)
    assert (code, err.count("error")) == (0, 0)
    lines = out.splitlines()
    assert lines[0].split() == [
        "video",
        "same",
        "label",
        "change",
        "moved",
        "still",
        "model",
        "run",
    ]
    assert lines[1].startswith(video)
    assert lines[3].split()[0] == "all"
    assert "steps have the same best label" in lines[-1]
    code, out, _ = run(*arguments, "--json")
    content = json.loads(out)
    assert code == 0
    assert [one["path"] for one in content["videos"]] == [video, other]
    assert content["exact"]["fast"] is False
    assert content["shortcut"]["fast"] is True
    assert content["videos"][1]["still_share"] == 0.75
    assert content["all"]["num_steps"] == sum(one["num_steps"] for one in content["videos"])
    assert set(content["all"]) == set(content["videos"][0])


STILL = np.full((120, 160, 3), 90, np.uint8)


@pytest.mark.slow
def test_a_video_that_fails_does_not_cost_the_others(run, video, folder, tmp_path):
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(b"nothing")
    code, out, err = run("compare", str(bad), video, "-m", str(folder), "--fast", "--offline")
    assert code == 3
    assert "bad.mp4" in err
    assert out.splitlines()[1].startswith(video)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("compare", "x.mp4"), "name the shortcut"),
        (("compare", "--fast"), "no INPUT given"),
        (("compare", "-", "--fast"), "stdin can be read only once"),
        (("compare", "x.mp4", "--precision", "bf16"), "name the shortcut"),
    ],
)
def test_what_there_is_to_compare_must_be_said(run, arguments, told):
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert told in err


@pytest.mark.slow
def test_a_model_without_the_shortcut_is_not_compared_with_itself(run, video, tmp_path):
    folder = make_tiny_model(tmp_path / "timesformer", "timesformer")
    code, out, err = run("compare", video, "-m", str(folder), "--fast", "--offline")
    assert (code, out) == (2, "")
    assert "TimeSformer needs all patches" in err
    assert "nothing to compare" in err


@pytest.mark.parametrize("width", [80, 120])
def test_the_table_fits_a_terminal_and_shortens_names_alone(scored, width):
    from rich.console import Console

    from vidtag.cli.compare_run import comparison_table

    path = "/a/very/long/path/to/where/the/videos/are/kept/and/one/more/folder/name.mp4"
    one = replace(compare_runs(scored, changed(scored, scored.logits), Settings()), path=path)
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(comparison_table([one, one], sum_up([one, one]), width))
    lines = console.export_text().rstrip().splitlines()
    assert len(lines) == 4
    assert all(len(line) <= width for line in lines)
    assert "name.mp4" in lines[1]
    assert "8 of 8" in lines[1]
    assert lines[1].count("…") == 1
