"""A model over labelled videos: from each to its outcome."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from vidtag.evaluation.outcomes import ClipOutcome, Names, Outcome, TimeOutcome
from vidtag.evaluation.overlap import Stretch
from vidtag.evaluation.views import Views, score_views
from vidtag.formats.truths.truth import LabelledVideo
from vidtag.tagging.document import VideoScores
from vidtag.tagging.settings import Settings
from vidtag.tagging.tagger import Tagger
from vidtag.timeline.segments import find_segments
from vidtag.timeline.steps import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """Runs a model on labelled videos, and sets what it says beside what is true."""

    tagger: Tagger
    """The model, and how it is run."""

    settings: Settings
    """How windows are averaged, and what makes a segment."""

    names: Names
    """Labels of the model and of the data."""

    views: Views | None = None
    """The papers' protocol for clips; as tagging does where `None`."""

    keeps_scores: bool = False
    """Whether the scores of steps are kept, to calibrate on."""

    def judge(self, video: LabelledVideo) -> Outcome:
        """Run the model on a video.

        Raises:
            VideoError: It can't be read.
            ModelError: The model failed.
        """
        if video.label is None:
            return self._judge_time(video, self.tagger.score(video.path))
        truth = self.names.numbers[video.label]
        if self.views is not None:
            grid, part = self.tagger.grid, self.settings.read
            scores, peak = score_views(
                self.tagger.classifier, self.views, video.path, part, grid.window_seconds
            )
        else:
            scored = self.tagger.score(video.path)
            _, scores = scored.timeline(self.settings.average)
            strongest = int(scored.logits[:, scores.argmax()].argmax())
            start, end = scored.bounds[strongest]
            peak = float(start + min(end, scored.end_seconds)) / 2
        return ClipOutcome(path=video.path, truth=truth, scores=scores, peak_seconds=peak)

    def _judge_time(self, video: LabelledVideo, scored: VideoScores) -> TimeOutcome:
        steps, _ = scored.timeline(self.settings.average)
        none = self.names.none
        true = tuple(
            Stretch(float(one.start_seconds), float(one.end_seconds), number)
            for one in video.segments
            if (number := self.names.numbers[one.label]) not in none
        )
        said = tuple(
            Stretch(float(one.start_seconds), float(one.end_seconds), one.index, one.score)
            for one in find_segments(steps, self.settings.rule)
            if one.index not in none
        )
        sure = [(step, holding) for step, holding in _held(steps, true) if holding]
        single = [
            (step, min(holding))
            for step, holding in sure
            if self.keeps_scores and len(holding) == 1 and min(holding) < self.names.num_known
        ]
        return TimeOutcome(
            path=video.path,
            start=float(scored.start_seconds),
            end=float(scored.end_seconds),
            true=true,
            said=said,
            confidences=np.array([step.scores.max() for step, _ in sure], np.float64),
            hits=np.array([int(step.scores.argmax()) in holding for step, holding in sure], bool),
            lengths=np.array(
                [float(step.end_seconds - step.start_seconds) for step, _ in sure], np.float64
            ),
            fitted_scores=np.array([step.scores for step, _ in single], np.float64).reshape(
                len(single), len(scored.labels)
            ),
            fitted_truths=np.array([truth for _, truth in single], np.int64),
        )


def _held(
    steps: tuple[Step, ...], true: tuple[Stretch, ...]
) -> Iterator[tuple[Step, frozenset[int]]]:
    """Give each step with the labels that hold in its middle."""
    for step in steps:
        middle = float(step.middle_seconds)
        yield step, frozenset(one.label for one in true if one.start <= middle < one.end)
