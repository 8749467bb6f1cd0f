"""Truths in two parts, to learn from and to test on: by video, never by clip.

Clips of one video look alike, so that a test on some of them says nothing of other videos.
"""

import random
from collections import Counter
from collections.abc import Sequence

from vidtag.formats.truths.gathering import quoted
from vidtag.formats.truths.truth import LabelledVideo, Truths

_NOTHING = ""
"""Stands for the label of a video in which nothing holds; no label is empty."""


def split_truths(truths: Truths, *, share: float = 0.2, seed: int = 0) -> tuple[Truths, Truths]:
    """Split into what is learned from and what is held out.

    Where the file says which videos are for validation (or, without such, for testing), those
    are held out. Otherwise some are drawn, such that each label with two videos or more has one
    on both sides, as far as the videos allow; the same ones for the same seed.

    Args:
        truths: What was read.
        share: Of the videos of each label, how many are held out, in (0, 1).
        seed: Of the drawing.

    Returns:
        Both parts, each with its own labels; the second is empty where no label has two videos.
        The first has the notes of the whole, and those on the split.

    Raises:
        ValueError: The share is none.
    """
    if not 0 < share < 1:
        raise ValueError(f"a share lies between 0 and 1, not {share!r}")
    notes: list[str] = []
    parts = _by_subset(truths.videos, notes) or _drawn(truths.videos, share, seed)
    learned, held = parts
    for part, what in ((learned, "learned from"), (held, "held out")):
        there = {label for video in part for label in _labels(video)}
        lacking = [quoted(label) for label in truths.labels if label not in there]
        if lacking:
            have = "1 label has" if len(lacking) == 1 else f"{len(lacking)} labels have"
            rest = f" and {len(lacking) - 3} more" if len(lacking) > 3 else ""
            notes.append(f"{have} no video that is {what}: {', '.join(lacking[:3])}{rest}.")
    return _part(learned, (*truths.notes, *notes)), _part(held, ())


def _part(videos: Sequence[LabelledVideo], notes: tuple[str, ...]) -> Truths:
    labels = {label for video in videos for label in _labels(video)} - {_NOTHING}
    return Truths(videos=tuple(videos), labels=tuple(sorted(labels)), notes=notes)


def _labels(video: LabelledVideo) -> set[str]:
    held = {one.label for one in video.segments}
    return held or {_NOTHING if video.label is None else video.label}


def _by_subset(
    videos: Sequence[LabelledVideo], notes: list[str]
) -> tuple[list[LabelledVideo], list[LabelledVideo]] | None:
    """Split as the file says; `None` where it does not, or leaves nothing on a side."""
    counts = Counter(video.subset for video in videos)
    chosen = next((name for name in ("validation", "testing") if counts[name]), None)
    if chosen is None:
        return None
    left_out = "testing" if chosen == "validation" else None
    held = [video for video in videos if video.subset == chosen]
    learned = [video for video in videos if video.subset not in (chosen, left_out)]
    if not learned:
        notes.append(f"All {len(held)} videos are of the subset {chosen}; some were drawn.")
        return None
    if left_out is not None and counts[left_out]:
        number = counts[left_out]
        verb = (
            "video of the subset testing is" if number == 1 else "videos of the subset testing are"
        )
        notes.append(f"{number} {verb} neither learned from nor held out.")
    return learned, held


def _drawn(
    videos: Sequence[LabelledVideo], share: float, seed: int
) -> tuple[list[LabelledVideo], list[LabelledVideo]]:
    """Draw label by label, the rarest first, so that its few videos are not taken already."""
    drawing = random.Random(seed)
    order = sorted(videos, key=lambda video: video.path)
    totals = Counter(label for video in order for label in _labels(video))
    wanted = {
        label: max(1, min(total - 1, round(share * total))) if total > 1 else 0
        for label, total in totals.items()
    }
    taken: Counter[str] = Counter()
    held: set[str] = set()
    for label in sorted(totals, key=lambda one: (totals[one], one)):
        own = [video for video in order if label in _labels(video) and video.path not in held]
        drawing.shuffle(own)
        # Those that are not enough of other labels first: a video may have several.
        own.sort(key=lambda video: sum(taken[one] >= wanted[one] for one in _labels(video)))
        for video in own:
            if taken[label] >= wanted[label]:
                break
            if all(taken[one] + 1 < totals[one] for one in _labels(video)):
                held.add(video.path)
                taken.update(_labels(video))
    return (
        [video for video in videos if video.path not in held],
        [video for video in videos if video.path in held],
    )
