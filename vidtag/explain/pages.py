"""Pages with maps: what the model looked at, beside its segments."""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction

from vidtag.documents.records import Document
from vidtag.errors import VideoError
from vidtag.explain.explanation import Explanation, Method
from vidtag.explain.measures import MeasureRow
from vidtag.explain.methods import DEFAULT_METHOD
from vidtag.explain.pictures import embed
from vidtag.explain.run import ExplainOptions, VideoExplanation, explain_video
from vidtag.formats.format import Format
from vidtag.formats.html import FORMAT
from vidtag.models.classifier import Classifier
from vidtag.models.load import reads_text
from vidtag.models.options import LoadOptions
from vidtag.report.format import write_page_at
from vidtag.report.page import ExplanationClip
from vidtag.seconds import format_seconds, round_seconds
from vidtag.tagging.settings import Settings


def embed_windows(
    result: VideoExplanation, size: int = 160, *, is_exact: bool = True
) -> tuple[ExplanationClip, ...]:
    """Make a small animation of every explained window, for a page.

    Args:
        result: What was explained, always of the exact model.
        size: Height and width of the animations, in pixels.
        is_exact: Whether the tags of the page are of the exact model, too.
    """
    return tuple(
        ExplanationClip(
            index=window.explanation.index,
            label=window.explanation.label,
            seconds=round_seconds(
                (window.explanation.start_seconds + window.explanation.end_seconds) / 2
            ),
            media_type="image/webp",
            content=embed(window, size),
            caption=_caption(window.explanation, window.rows, is_exact=is_exact),
        )
        for window in result.windows
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
        self._load = load
        self._settings = settings
        self._advance = advance
        self._classifier: Classifier | None = None

    def page_format(self) -> Format:
        """Return the format of pages that have maps."""
        return replace(FORMAT, write_at=self._write_page, extras="maps")

    def _write_page(self, document: Document, source: str, path: str) -> str:
        if not document.segments or not os.path.isfile(source):
            return write_page_at(document, source, path)
        load = self._load
        method: Method = "occlusion"
        if not reads_text(load):
            # To look inside a model is what torch alone allows, whatever tagged the video.
            load, method = replace(load, engine="auto", precision="auto"), DEFAULT_METHOD
        asked = ExplainOptions(source=source, load=load, settings=self._settings, method=method)
        try:
            result = explain_video(
                asked, document=document, classifier=self._classifier, advance=self._advance
            )
        except VideoError:  # it was tagged, and has gone since: the page goes without maps
            return write_page_at(document, source, path)
        self._classifier = result.classifier
        is_exact = not document.engine.fast and document.engine.calibrated_on is None
        return write_page_at(document, source, path, embed_windows(result, is_exact=is_exact))
