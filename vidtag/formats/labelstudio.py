"""Label Studio: one task per video with its segments as pre-annotations, and the labelling config.

Segments are regions of the tag TimelineLabels: ranges of frames, counted from 1, both ends
inside. Label Studio finds a frame's time by the rate alone, so each task carries the rate that
its frames were counted with, and the config reads it (`frameRate="$fps"`).

Label Studio plays no bare path: a local video is linked as its local file storage serves it,
relative to the folder in which vidtag was run (`LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT`), or to
`/` for absolute paths. A stream on stdin has no link; its task has `-`, to be replaced.
Source: https://labelstud.io/tags/timelinelabels, https://labelstud.io/tags/video,
https://labelstud.io/guide/predictions, https://labelstud.io/guide/storage#Local-storage
"""

import json
from collections.abc import Sequence
from html import escape

from vidtag.documents.records import Document, Failure, SegmentRecord
from vidtag.formats.format import Format
from vidtag.links import has_scheme, media_url, posix_path, quote_path
from vidtag.text import one_line

_CONTROL = "actions"
_OBJECT = "video"

_UNKNOWN_RATE = 25.0
"""Of a single frame."""

# Colour-blind safe. Source: Paul Tol's "bright" and "muted", https://personal.sron.nl/~pault/
_COLORS = (
    "#4477AA",
    "#EE6677",
    "#228833",
    "#CCBB44",
    "#66CCEE",
    "#AA3377",
    "#332288",
    "#999933",
    "#882255",
    "#44AA99",
)


def write_tasks(results: Sequence[Document | Failure]) -> str:
    """Write the list of tasks that Label Studio imports."""
    tasks = [
        {
            "data": {_OBJECT: _task_url(document.video.path), "fps": _frame_rate(document)},
            "predictions": [
                {
                    "model_version": f"{document.model.id} (vidtag {document.vidtag_version})",
                    "score": max((segment.score for segment in document.segments), default=0.0),
                    "result": [
                        _region(number, segment, _frame_rate(document))
                        for number, segment in enumerate(document.segments, start=1)
                    ],
                }
            ],
        }
        for document in results
        if isinstance(document, Document)
    ]
    return f"{json.dumps(tasks, indent=2, allow_nan=False)}\n"


def write_config(results: Sequence[Document | Failure]) -> str:
    """Write the labelling config, with every label that was given or is among what was found."""
    documents = [result for result in results if isinstance(result, Document)]
    tags = {(tag.index, tag.label) for document in documents for tag in document.tags}
    held = {(segment.index, segment.label) for d in documents for segment in d.segments}
    given = {(k, word.label) for d in documents for k, word in enumerate(d.model.words or ())}
    labels = dict.fromkeys(one_line(label, index) for index, label in sorted(tags | held | given))
    lines = [
        f'    <Label value="{escape(label)}" background="{_COLORS[k % len(_COLORS)]}"/>\n'
        for k, label in enumerate(labels)
    ]
    return (
        "<View>\n"
        f'  <TimelineLabels name="{_CONTROL}" toName="{_OBJECT}">\n'
        f"{''.join(lines)}"
        "  </TimelineLabels>\n"
        f'  <Video name="{_OBJECT}" value="${_OBJECT}" frameRate="$fps" timelineHeight="120"/>\n'
        "</View>\n"
    )


def _region(number: int, segment: SegmentRecord, rate: float) -> dict[str, object]:
    first = round(segment.start_seconds * rate) + 1
    return {
        "id": f"segment{number}",
        "from_name": _CONTROL,
        "to_name": _OBJECT,
        "type": "timelinelabels",
        "origin": "prediction",
        "score": segment.score,
        "value": {
            "ranges": [{"start": first, "end": max(first, round(segment.end_seconds * rate))}],
            "timelinelabels": [one_line(segment.label, segment.index)],
        },
    }


def _frame_rate(document: Document) -> float:
    return round(document.video.frame_rate or _UNKNOWN_RATE, 6)


def _task_url(path: str) -> str:
    if has_scheme(path):
        return media_url(path) or path
    posix = posix_path(path)
    return path if posix is None else f"/data/local-files/?d={quote_path(posix.lstrip('/'))}"


TASKS = Format(
    name="labelstudio",
    suffix=".labelstudio.json",
    summary="Label Studio tasks, pre-annotated",
    joins=True,
    write=write_tasks,
)
CONFIG = Format(
    name="labelstudio-config",
    suffix=".labelstudio.xml",
    summary="Label Studio's labelling config",
    joins=True,
    write=write_config,
)
