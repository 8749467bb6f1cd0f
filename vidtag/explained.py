"""Pages with maps: what the model looked at, beside its segments."""

import os
from dataclasses import replace

from vidtag.documents.records import Document
from vidtag.errors import VideoError
from vidtag.formats import FORMATS, Format
from vidtag.formats.pages import write_page_at
from vidtag.models.classifier import Classifier
from vidtag.models.load import LoadOptions
from vidtag.tagging.settings import Settings


class Explainer:
    """Explains the best segments of each video that gets a page; loads the model once.

    Args:
        load: The model of the run.
        settings: The windows of the run.
    """

    def __init__(self, load: LoadOptions, settings: Settings) -> None:
        self._load = load
        self._settings = settings
        self._classifier: Classifier | None = None

    def page_format(self) -> Format:
        """Return the format of pages that have maps."""
        return replace(FORMATS["html"], write_at=self._write_page, extras="maps")

    def _write_page(self, document: Document, source: str, path: str) -> str:
        from vidtag.explain.run import ExplainOptions, embed_windows, explain_video
        from vidtag.report.page import ExplanationClip

        if not document.segments or not os.path.isfile(source):
            return write_page_at(document, source, path)
        # Maps need to look inside the model, which only torch allows, whatever tagged the video.
        load = replace(self._load, engine="auto", precision="auto")
        asked = ExplainOptions(source=source, load=load, settings=self._settings)
        try:
            result = explain_video(asked, document=document, classifier=self._classifier)
        except VideoError:  # it was tagged, and has gone since: the page goes without maps
            return write_page_at(document, source, path)
        self._classifier = result.classifier
        clips = [
            ExplanationClip(
                index=clip.index,
                seconds=clip.seconds,
                label=clip.label,
                media_type="image/webp",
                content=clip.webp,
                caption=clip.caption,
            )
            for clip in embed_windows(result)
        ]
        return write_page_at(document, source, path, clips)
