"""Pages with maps: what the model looked at, beside its segments."""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction

from vidtag.documents.records import Document
from vidtag.errors import ModelMismatchError, VideoError
from vidtag.explain.explanation import Explanation, Method
from vidtag.explain.measures import MeasureRow
from vidtag.explain.methods import DEFAULT_METHOD
from vidtag.explain.moments import choose_moments
from vidtag.explain.pictures import embed
from vidtag.explain.run import ExplainOptions, VideoExplanation, explain_video
from vidtag.models.classifier import Classifier
from vidtag.models.load import reads_text
from vidtag.models.options import LoadOptions
from vidtag.report.moments import Explained, ExplanationClip
from vidtag.seconds import format_seconds, round_seconds
from vidtag.tagging.settings import Settings
from vidtag.text import encodable


def embed_windows(
    result: VideoExplanation,
    size: int = 160,
    *,
    is_exact: bool = True,
    moments: Sequence[Fraction] | None = None,
) -> tuple[ExplanationClip, ...]:
    """Make a small animation of every explained window, for a page.

    Args:
        result: What was explained, always of the exact model.
        size: Height and width of the animations, in pixels.
        is_exact: Whether the tags of the page are of the exact model, too.
        moments: What each window was explained for, in seconds: a segment can be shorter than a
            window, and not reach to its middle. The windows' middles where `None`.
    """
    if moments is None:
        explanations = [window.explanation for window in result.windows]
        moments = [(one.start_seconds + one.end_seconds) / 2 for one in explanations]
    return tuple(
        ExplanationClip(
            index=window.explanation.index,
            label=window.explanation.label,
            seconds=round_seconds(seconds),
            media_type="image/webp",
            content=embed(window, size),
            caption=_caption(window.explanation, window.rows, is_exact=is_exact),
        )
        for window, seconds in zip(result.windows, moments, strict=True)
    )


def _caption(explanation: Explanation, rows: Sequence[MeasureRow], *, is_exact: bool) -> str:
    between = " to ".join(
        format_seconds(Fraction(round(seconds * 100), 100))
        for seconds in (explanation.start_seconds, explanation.end_seconds)
    )
    read = {row.name: row.reading for row in rows}
    return (
        f"Where the evidence for “{explanation.label}” lies from {between}: the brighter, the "
        f"more. {read['frames frozen']}"
        + ("" if is_exact else " It explains the exact model; the tags took a shortcut.")
    )


class Explainer:
    """Explains the best segments of each video that gets a page; loads the model once.

    Args:
        load: The model of the run.
        settings: The windows of the run.
        advance: Told how many windows of a video are explained, and how many there are.
    """

    def __init__(
        self,
        load: LoadOptions,
        settings: Settings,
        advance: Callable[[int, int], None] | None = None,
    ) -> None:
        self._asked = load
        self._settings = settings
        self._advance = advance
        self._classifier: Classifier | None = None
        self._load = load
        self._method: Method = "occlusion"
        if not reads_text(load):
            # To look inside a model is what torch alone allows, whatever tagged the video.
            self._load = replace(load, engine="auto", precision="auto")
            self._method = DEFAULT_METHOD

    def explain(self, document: Document, source: str) -> Explained:
        """Explain the best segment of each of the labels that score best.

        Args:
            document: What tagging the video gave.
            source: The video.

        Returns:
            A map for each, or the reason why there is none: a page is complete without.

        Raises:
            ModelError: The model can't be had, or fails.
        """
        if not document.segments:
            return Explained(note="No label holds, so there is no moment to explain.")
        if not os.path.isfile(source):
            return Explained(
                note="No moment has a map: what the model looked at is read from a file, and this "
                "video is none of this machine."
            )
        asked = ExplainOptions(
            source=source, load=self._load, settings=self._settings, method=self._method
        )
        try:
            result = explain_video(
                asked, document=document, classifier=self._classifier, advance=self._advance
            )
        except ModelMismatchError as exc:
            if exc.code != "not_explainable" or self._method == "occlusion":
                raise
            # Into other models than VideoMAE nothing looks; every one can be asked what it says
            # of a covered picture, and as it runs. That takes longer.
            self._method, self._load = "occlusion", self._asked
            return self.explain(document, source)
        except VideoError as exc:  # it was tagged, and has gone since
            return Explained(note=f"No moment has a map: {encodable(str(exc))}")
        self._classifier = result.classifier
        is_exact = not document.engine.fast and document.engine.calibrated_on is None
        peaks = [moment.seconds for moment in choose_moments(document, None)]
        clips = embed_windows(result, is_exact=is_exact, moments=peaks)
        return Explained(clips=clips, note=_note(document, len(clips)))


def _note(document: Document, num_clips: int) -> str:
    """Say which moments have a map."""
    if num_clips == len(document.segments):
        return ""
    num_labels = len({segment.index for segment in document.segments})
    if num_labels <= num_clips:
        which = "the best moment of each label"
    elif num_clips == 1:
        which = "the best moment of the label that scores best"
    else:
        which = f"the best moment of each of the {num_clips} labels that score best"
    return f"Maps show what the model looked at. They take long to make: {which} has one."
