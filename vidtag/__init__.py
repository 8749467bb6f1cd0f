"""Tell what people are doing in a video, and when.

>>> from vidtag import Tagger
>>> document = Tagger("demo").tag("clip.mp4")  # doctest: +SKIP
>>> document.timeline[0].tags[0].label  # doctest: +SKIP
'jogging'
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from vidtag.version import __version__

if TYPE_CHECKING:
    from vidtag.cache.scores import ScoreStore
    from vidtag.documents.records import (
        Document,
        SegmentRecord,
        StepRecord,
        SummaryRecord,
        TagRecord,
        VideoRecord,
    )
    from vidtag.errors import (
        DocumentError,
        EmptyVideoError,
        ModelError,
        ModelLoadError,
        ModelMismatchError,
        NoVideoStreamError,
        OutputError,
        TruthError,
        VideoDecodeError,
        VideoError,
        VideoOpenError,
        VidtagError,
    )
    from vidtag.models.classifier import (
        Calibration,
        Classifier,
        ClassifierInfo,
        FeatureClassifier,
    )
    from vidtag.models.options import LoadOptions
    from vidtag.tagging.calibrating import calibrate
    from vidtag.tagging.document import describe
    from vidtag.tagging.settings import Settings
    from vidtag.tagging.step_tags import StepTags
    from vidtag.tagging.tagger import Tagger, Tagging
    from vidtag.timeline.scored import Scored
    from vidtag.timeline.segments import SegmentRule, SegmentTracker
    from vidtag.video.options import Part, ReadOptions

_HOMES = {
    "Calibration": "vidtag.models.classifier",
    "Classifier": "vidtag.models.classifier",
    "ClassifierInfo": "vidtag.models.classifier",
    "Document": "vidtag.documents.records",
    "DocumentError": "vidtag.errors",
    "EmptyVideoError": "vidtag.errors",
    "FeatureClassifier": "vidtag.models.classifier",
    "LoadOptions": "vidtag.models.options",
    "ModelError": "vidtag.errors",
    "ModelLoadError": "vidtag.errors",
    "ModelMismatchError": "vidtag.errors",
    "NoVideoStreamError": "vidtag.errors",
    "OutputError": "vidtag.errors",
    "Part": "vidtag.video.options",
    "ReadOptions": "vidtag.video.options",
    "ScoreStore": "vidtag.cache.scores",
    "Scored": "vidtag.timeline.scored",
    "SegmentRecord": "vidtag.documents.records",
    "SegmentRule": "vidtag.timeline.segments",
    "SegmentTracker": "vidtag.timeline.segments",
    "Settings": "vidtag.tagging.settings",
    "StepRecord": "vidtag.documents.records",
    "StepTags": "vidtag.tagging.step_tags",
    "SummaryRecord": "vidtag.documents.records",
    "TagRecord": "vidtag.documents.records",
    "Tagger": "vidtag.tagging.tagger",
    "Tagging": "vidtag.tagging.tagger",
    "TruthError": "vidtag.errors",
    "VideoDecodeError": "vidtag.errors",
    "VideoError": "vidtag.errors",
    "VideoOpenError": "vidtag.errors",
    "VideoRecord": "vidtag.documents.records",
    "VidtagError": "vidtag.errors",
    "calibrate": "vidtag.tagging.calibrating",
    "describe": "vidtag.tagging.document",
}

__all__ = [
    "Calibration",
    "Classifier",
    "ClassifierInfo",
    "Document",
    "DocumentError",
    "EmptyVideoError",
    "FeatureClassifier",
    "LoadOptions",
    "ModelError",
    "ModelLoadError",
    "ModelMismatchError",
    "NoVideoStreamError",
    "OutputError",
    "Part",
    "ReadOptions",
    "ScoreStore",
    "Scored",
    "SegmentRecord",
    "SegmentRule",
    "SegmentTracker",
    "Settings",
    "StepRecord",
    "StepTags",
    "SummaryRecord",
    "TagRecord",
    "Tagger",
    "Tagging",
    "TruthError",
    "VideoDecodeError",
    "VideoError",
    "VideoOpenError",
    "VideoRecord",
    "VidtagError",
    "__version__",
    "calibrate",
    "describe",
]


def __getattr__(name: str) -> Any:
    # Public names are imported when they are used: `vidtag --help` must not wait for PyAV.
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'vidtag' has no attribute {name!r}")
