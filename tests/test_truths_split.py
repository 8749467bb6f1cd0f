"""Truths in two parts: by video, with every label on both sides, the same every time."""

from collections import Counter
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidtag.formats.truths.split import split_truths
from vidtag.formats.truths.truth import LabelledVideo, TrueSegment, Truths


def video(path: str, *labels: str, subset: str | None = None) -> LabelledVideo:
    """Make a video with a segment for each label; with none, nothing holds in it."""
    segments = tuple(
        TrueSegment(start_seconds=Fraction(k), end_seconds=Fraction(k + 1), label=label)
        for k, label in enumerate(labels)
    )
    return LabelledVideo(path=path, label=None, segments=segments, subset=subset)


def truths(*videos: LabelledVideo, notes: tuple[str, ...] = ()) -> Truths:
    labels = {one.label for v in videos for one in v.segments}
    labels |= {v.label for v in videos if v.label is not None}
    return Truths(videos=videos, labels=tuple(sorted(labels)), notes=notes)


def clips(label: str, number: int) -> list[LabelledVideo]:
    return [LabelledVideo(path=f"{label}{k}.mp4", label=label) for k in range(number)]


def paths(part: Truths) -> set[str]:
    return {one.path for one in part.videos}


def test_each_label_gives_its_share() -> None:
    whole = truths(*clips("run", 10), *clips("walk", 20), *clips("jump", 2), *clips("sit", 1))
    learned, held = split_truths(whole)
    assert Counter(one.label for one in held.videos) == {"run": 2, "walk": 4, "jump": 1}
    assert Counter(one.label for one in learned.videos)["sit"] == 1
    assert paths(learned) | paths(held) == paths(whole)
    assert held.labels == ("jump", "run", "walk")
    assert learned.notes == ("1 label has no video that is held out: 'sit'.",)
    assert held.notes == ()


def test_the_seed_decides_and_the_order_of_the_file_does_not() -> None:
    whole = truths(*clips("run", 30), *clips("walk", 30))
    turned = replace(whole, videos=whole.videos[::-1])
    first = paths(split_truths(whole, seed=1)[1])
    assert first == paths(split_truths(whole, seed=1)[1]) == paths(split_truths(turned, seed=1)[1])
    assert first != paths(split_truths(whole, seed=2)[1])


LABELS = st.frozensets(st.sampled_from("abcdef"), max_size=3)


@pytest.mark.slow
@given(st.lists(LABELS, min_size=1, max_size=25), st.integers(0, 3), st.floats(0.05, 0.95))
def test_no_video_is_on_both_sides_and_no_label_is_lost(
    content: list[frozenset[str]], seed: int, share: float
) -> None:
    whole = truths(*(video(f"{k}.mp4", *sorted(held)) for k, held in enumerate(content)))
    learned, held = split_truths(whole, share=share, seed=seed)
    assert not paths(learned) & paths(held)
    assert paths(learned) | paths(held) == paths(whole)
    assert learned.labels == whole.labels  # what is tested on was learned
    counts = Counter(label for one in content for label in one)
    alone = all(len(one) <= 1 for one in content)
    if alone:
        assert {label for label, number in counts.items() if number > 1} == {*held.labels}
    told = any("held out" in note for note in learned.notes)
    assert told == (set(held.labels) != set(whole.labels))


def test_what_the_file_says_is_kept() -> None:
    whole = truths(
        video("a", "run", subset="training"),
        video("b", "walk", subset="validation"),
        video("c", "run", subset="testing"),
        video("d", "walk"),
        video("e", "jump", subset="fold 3"),
        notes=("A note.",),
    )
    learned, held = split_truths(whole)
    assert (paths(learned), paths(held)) == ({"a", "d", "e"}, {"b"})
    assert learned.notes == (
        "A note.",
        "1 video of the subset testing is neither learned from nor held out.",
        "2 labels have no video that is held out: 'jump', 'run'.",
    )


def test_testing_is_held_out_where_there_is_no_validation() -> None:
    whole = truths(video("a", "run", subset="training"), video("b", "run", subset="testing"))
    learned, held = split_truths(whole)
    assert (paths(learned), paths(held)) == ({"a"}, {"b"})


def test_one_subset_alone_is_drawn_from() -> None:
    whole = truths(*(replace(one, subset="validation") for one in clips("run", 5)))
    learned, held = split_truths(whole)
    assert (len(learned.videos), len(held.videos)) == (4, 1)
    assert learned.notes == ("All 5 videos are of the subset validation; some were drawn.",)


@pytest.mark.parametrize("share", [0, 1, -0.5, float("nan")])
def test_a_share_that_is_none(share: float) -> None:
    with pytest.raises(ValueError, match="a share lies between 0 and 1"):
        split_truths(truths(), share=share)
