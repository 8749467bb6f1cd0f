"""What is learned from and what is held out, where labels, ranges and subsets are mixed."""

import json
from fractions import Fraction

import numpy as np
import pytest
from make_video import make_video
from tiny_models import make_tiny_model

from vidtag.errors import TruthError
from vidtag.formats.truths.truth import LabelledVideo, TrueSegment, Truths
from vidtag.training.examples import (
    NONE,
    Examples,
    LeftOut,
    number_labels,
    window_targets,
    without_testing,
    without_unshown,
)
from vidtag.training.fine_tuning import hold_out
from vidtag.training.head import fit
from vidtag.training.outcome import Unseen, find_temperature


def make_examples(shown: list[list[int]], subsets=None, labels=("a", "b")) -> Examples:
    """Make examples of videos, of each of which a list says what its windows show."""
    targets = np.concatenate([np.array(one, int) for one in shown])
    rng = np.random.default_rng(0)
    features = rng.normal(size=(len(targets), 6)).astype(np.float32)
    features[np.arange(len(targets)), targets + 1] += 5
    return Examples(
        features=features,
        targets=targets,
        videos=np.repeat(np.arange(len(shown)), list(map(len, shown))),
        whole=np.zeros(len(shown), bool),
        subsets=subsets or (None,) * len(shown),
        paths=tuple(f"{k}.mp4" for k in range(len(shown))),
        labels=labels,
        notes=(),
    )


@pytest.mark.parametrize("seed", range(6))
def test_what_one_video_alone_shows_is_never_held_out(seed):
    # The third label has ranges in other videos, too, but no window that shows it there; of
    # unlabelled time there is some in one video.
    examples = make_examples([[0], [0], [1], [1, NONE], [2, 0]], labels=("a", "b", "c"))
    held_out, _ = hold_out(examples, seed)
    learned = set(examples.targets[~held_out[examples.videos]].tolist())
    assert held_out.any()
    assert learned == {NONE, 0, 1, 2}


def test_a_head_is_not_asked_about_what_it_never_saw():
    fitted = fit(make_examples([[0, 2], [0], [1], [1], [0, 1]], labels=("a", "b", "c")), "none", 0)
    assert set(fitted.outcome.unseen.targets.tolist()) == {0, 1}
    assert fitted.outcome.classes == ("a", "b", "c")


def test_time_without_a_label_in_validation_alone_is_no_class():
    subsets = ("training",) * 4 + ("validation",) * 2
    examples = make_examples([[0], [0], [1], [1], [0, NONE], [1]], subsets)
    kept = without_unshown(examples)
    assert not kept.has_none
    assert "1 windows of videos for validation show none of the labels" in kept.notes[0]
    outcome = fit(kept, "none", 0).outcome
    assert outcome.classes == ("a", "b")
    assert outcome.unseen.targets.tolist() == [0, 1]
    nothing_else = make_examples([[0], [1], [NONE]], ("training", "training", "validation"))
    assert fit(nothing_else, "none", 0).outcome.unseen is None


def whole(path: str, label: str, subset: str | None = None) -> LabelledVideo:
    return LabelledVideo(path=path, label=label, subset=subset)


def test_videos_for_testing_are_not_looked_at():
    videos = (whole("0", "a"), whole("1", "b"), whole("2", "a", "testing"))
    kept = without_testing(Truths(videos=videos, labels=("a", "b"), notes=("before",)))
    assert [video.path for video in kept.videos] == ["0", "1"]
    assert kept.notes[0] == "before"
    assert "1 videos are for testing" in kept.notes[1]
    alone = Truths(videos=(*videos, whole("3", "c", "testing")), labels=("a", "b", "c"))
    with pytest.raises(TruthError, match="be learned of 'c', which videos for testing alone show"):
        without_testing(alone)
    plain = Truths(videos=videos[:2], labels=("a", "b"))
    assert without_testing(plain) is plain


def test_none_of_these_is_no_label_of_its_own():
    labels, index = number_labels(("none of these", "wave"))
    assert (labels, index["wave"], index["none of these"]) == (("wave",), 0, NONE)
    with pytest.raises(TruthError, match="Every window shows 'none of these'; add videos"):
        without_unshown(make_examples([[NONE], [NONE]], labels=()))


def test_ranges_beyond_the_end_are_counted():
    def segment(start: int, end: int) -> TrueSegment:
        return TrueSegment(start_seconds=Fraction(start), end_seconds=Fraction(end), label="a")

    left_out = LeftOut(num_mixed=3)
    left_out.look_at(
        LabelledVideo(path="x", label=None, segments=(segment(0, 2), segment(1, 5), segment(4, 6))),
        Fraction(4),
    )
    assert [note.split()[0] for note in left_out.notes] == ["3", "1", "1"]


@pytest.mark.slow
@pytest.mark.parametrize("how", [[], ["--full", "--epochs", "1", "--batch-size", "2"]])
def test_both_ways_of_training_tell_the_same_of_mixed_labels(how, tmp_path, run):
    base = make_tiny_model(tmp_path / "base")
    rows = ["path,label,start,end,subset"]
    for n in range(6):
        path = tmp_path / f"{n}.mp4"
        make_video(path, num_frames=48, fps=12, size=(32, 32))
        rows.append(f"{path},{'ab'[n % 2]},0,2.5,{'test' if n > 3 else 'train'}")
        rows.append(f"{path},none of these,2.5,{60 if n == 0 else 4},")
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    model = tmp_path / "model"
    code, out, err = run(
        "train", str(tmp_path / "labels.csv"), "--from", str(base), "-o", str(model), "--json",
        "--window", "1", "--stride", "0.5", "--device", "cpu", *how,
    )  # fmt: skip
    assert code == 0, err
    told = json.loads(out)
    assert [row["label"] for row in told["labels"]] == ["a", "b", "none of these"]
    assert sum(row["windows"] for row in told["labels"]) > 4 * 4
    assert told["unseen"]["videos"] in (2, 4)  # of the four that are not for testing
    for note in (
        "2 videos are for testing",
        "windows show a label in part",
        "1 ranges go on after their video's end",
    ):
        assert sum(note in one for one in told["notes"]) == 1, told["notes"]
        assert note in err
    assert run("labels", "-m", str(model))[1].split("\n")[:2] == ["a", "b"]
    document = json.loads(run(str(tmp_path / "0.mp4"), "-m", str(model), "--json")[1])
    assert document["model"]["num_labels"] == 2


def test_ranges_of_one_label_that_overlap_hold_no_longer_than_they_last():
    ranges = [(0, 1), (0, 1), (Fraction(1, 2), 1)]
    video = LabelledVideo(
        path="x",
        label=None,
        segments=tuple(
            TrueSegment(start_seconds=Fraction(start), end_seconds=Fraction(end), label="a")
            for start, end in ranges
        ),
    )
    bounds = [(Fraction(0), Fraction(2)), (Fraction(0), Fraction(1))]
    targets, num_mixed = window_targets(video, bounds, Fraction(4), {"a": 0})
    assert (targets.tolist(), num_mixed) == ([NONE - 1, 0], 1)


def test_what_is_all_right_tells_no_temperature():
    logits, targets = np.eye(4) * 3, np.arange(4)
    right = Unseen(logits=logits, targets=targets, videos=np.arange(4))
    assert find_temperature(right) == find_temperature(None) == 1
    wrong = Unseen(logits=logits, targets=np.array([0, 1, 2, 2]), videos=np.arange(4))
    assert 0.5 < find_temperature(wrong) != 1
    fitted = fit(make_examples([[0]] * 4 + [[1]] * 4), "none", 0)
    assert not fitted.outcome.is_calibrated
