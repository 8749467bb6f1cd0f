"""The papers' protocol: several clips of a video, several crops of each, the mean of the scores.

VideoMAE (Tong et al. 2022, section 4) and its like are told with 5 clips and 3 crops: clips evenly
in time, from the first that fits to the last; squares at the beginning, in the middle and at the
end of the longer side; the mean of the softmaxes.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Self

import numpy as np
import numpy.typing as npt

from vidtag.clips.grid import Grid
from vidtag.clips.reading import open_part
from vidtag.clips.windows import Prepare, Window
from vidtag.models.classifier import Classifier
from vidtag.tagging.running import WindowRunner
from vidtag.timeline.scores import Scores, average_windows
from vidtag.video.frames import Image
from vidtag.video.given import take_source
from vidtag.video.options import Part

MAX_CLIPS = 100
"""More clips of one video than any paper takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Views:
    """How many clips of a video are looked at, and how many crops of each."""

    num_clips: int
    """Evenly in time."""

    num_crops: int
    """1: as the model's preprocessing says, the centre; 3: along the longer side."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `5x3`, clips and crops.

        >>> Views.parse("5x3")
        Views(num_clips=5, num_crops=3)

        Raises:
            ValueError: It is something else.
        """
        match = re.fullmatch(r"(\d{1,3})x([13])", text.strip())
        if match is None or not 1 <= int(match[1]) <= MAX_CLIPS:
            raise ValueError(f"views are clips x crops, such as 5x3 or 10x1, not {text!r}.")
        return cls(num_clips=int(match[1]), num_crops=int(match[2]))

    def __str__(self) -> str:
        return f"{self.num_clips}x{self.num_crops}"


def spread(num_clips: int, last: int) -> list[int]:
    """Place clips evenly from 0 to the last start that fits, each place once.

    >>> spread(5, 64), spread(5, 2), spread(1, 64)
    ([0, 16, 32, 48, 64], [0, 1, 2], [32])

    Args:
        num_clips: How many are wanted; where there is room for fewer, these are alike.
        last: The last start, in samples of the grid.
    """
    if num_clips == 1:
        return [last // 2]
    half = Fraction(1, 2)
    return sorted({int(Fraction(k * last, num_clips - 1) + half) for k in range(num_clips)})


def crop_squares(image: Image) -> tuple[Image, Image, Image]:
    """Cut squares out of the beginning, the middle and the end of the longer side.

    >>> [one.shape for one in crop_squares(np.zeros((4, 9, 3), np.uint8))]
    [(4, 4, 3), (4, 4, 3), (4, 4, 3)]

    Args:
        image: `(H, W, 3)` uint8 RGB.
    """
    height, width = image.shape[:2]
    side = min(height, width)
    first, middle, last = (
        image[top : top + side, left : left + side]
        for top, left in (
            (0, 0),
            ((height - side) // 2, (width - side) // 2),
            (height - side, width - side),
        )
    )
    return first, middle, last


def score_views(
    classifier: Classifier, views: Views, path: str, part: Part, window_seconds: Fraction
) -> tuple[Scores, float]:
    """Score a video in the way of papers; it is read twice, the first time for its length.

    Clips start on the sampling grid, which is finer than what a clip spans by its frames.

    Args:
        classifier: The model.
        views: Which clips and crops.
        path: The video.
        part: Within which limits it is read.
        window_seconds: What a clip spans.

    Returns:
        `(num_labels,)`, and the middle of the clip that is surest, in seconds.

    Raises:
        VideoError: It can't be read.
        ModelError: The model failed.
    """
    num_labels = len(classifier.labels)
    grid = Grid(num_frames=classifier.info.num_frames, window_seconds=window_seconds,
                stride_samples=1, start_seconds=part.start)  # fmt: skip
    last = max(0, grid.tail_start(_length(path, part)))
    wanted = [part.start + k * grid.interval_seconds for k in spread(views.num_clips, last)]
    runner = WindowRunner(classifier, num_labels)
    rows: list[npt.NDArray[np.float32]] = []
    middles: list[Fraction] = []
    batch: list[Window] = []
    size = classifier.info.batch_size
    with open_part(take_source(path), part, grid, _prepare(classifier, views)) as reading:
        for window in reading:
            if window.start_seconds in wanted:
                batch += _crops(window, views)
                middles += [(window.start_seconds + window.end_seconds) / 2] * views.num_crops
            while len(batch) >= size:
                rows.append(runner.logits(runner.rows(batch[:size])))
                del batch[:size]
    if batch:
        rows.append(runner.logits(runner.rows(batch)))
    logits = np.concatenate(rows)
    scores = average_windows(logits, "probs")[:num_labels]
    surest = int(logits[:, scores.argmax()].argmax())
    return scores, float(middles[surest])


def _length(path: str, part: Part) -> Fraction:
    from vidtag.video import Video  # loads FFmpeg

    with Video(path, part) as video:
        for _ in video.frames():
            pass
        return video.info().duration_seconds - part.start


def _prepare(classifier: Classifier, views: Views) -> Prepare:
    """Prepare all crops of a picture, one above the other: `(num_crops, S, S, 3)`."""

    def prepare(image: Image) -> npt.NDArray[np.uint8]:
        crops = crop_squares(image) if views.num_crops > 1 else (image,)
        return np.stack([classifier.prepare(np.ascontiguousarray(crop)) for crop in crops])

    return prepare


def _crops(window: Window, views: Views) -> Iterator[Window]:
    for crop in range(views.num_crops):
        yield Window(
            start_seconds=window.start_seconds,
            end_seconds=window.end_seconds,
            frame_seconds=window.frame_seconds,
            clip=tuple(frame[crop] for frame in window.clip),
        )
