"""ActivityNet's detection results, which its evaluator and many others of the field read.

Videos are keyed by the bare name of their file, as the evaluator's ground truth keys them:
`clips/abc.mp4` is `abc`, and `v_` before a YouTube id is dropped, as ActivityNet's own files
have it. Names that would collide get their extension, then their path. The evaluator raises
KeyError at labels that its ground truth does not have.
Source: https://github.com/activitynet/ActivityNet Evaluation/eval_detection.py
"""

import json
import re
from collections import Counter
from collections.abc import Sequence

from vidtag.documents.records import Document, Failure
from vidtag.formats.format import Format
from vidtag.links import file_name

_VERSION = "VERSION 1.3"

_YOUTUBE_FILE = re.compile(r"v_([\w-]{11})")


def write_activitynet(results: Sequence[Document | Failure]) -> str:
    """Write the segments of all videos; a video without any has an empty list."""
    documents = [result for result in results if isinstance(result, Document)]
    names = name_videos([document.video.path for document in documents])
    makers = sorted({f"{d.model.id} (vidtag {d.vidtag_version})" for d in documents})
    content = {
        "version": _VERSION,
        "results": {
            name: [
                {
                    "label": segment.label,
                    "score": segment.score,
                    "segment": [segment.start_seconds, segment.end_seconds],
                }
                for segment in document.segments
            ]
            for name, document in zip(names, documents, strict=True)
        },
        "external_data": {"used": True, "details": ", ".join(makers)},
    }
    return f"{json.dumps(content, indent=2, allow_nan=False)}\n"


def name_videos(paths: Sequence[str]) -> list[str]:
    """Name each video by the least of its path that no other one shares.

    >>> name_videos(["a/x.mp4", "a/y.mp4", "a/y.mov", "b/z.mp4", "c/z.mp4", "v_0123456789a.mp4"])
    ['x', 'y.mp4', 'y.mov', 'b/z.mp4', 'c/z.mp4', '0123456789a']
    """
    choices = [(_stem(path), file_name(path), path) for path in paths]
    counts = [Counter(level) for level in zip(*choices, strict=True)]
    names: list[str] = []
    used: set[str] = set()
    for choice in choices:
        name = next(
            (name for name, count in zip(choice, counts, strict=True) if count[name] == 1),
            choice[-1],
        )
        wanted, number = name, 2
        while name in used:
            name, number = f"{wanted} ({number})", number + 1
        used.add(name)
        names.append(name)
    return names


def _stem(path: str) -> str:
    name = file_name(path)
    stem = name.rsplit(".", 1)[0] or name
    youtube = _YOUTUBE_FILE.fullmatch(stem)
    return youtube[1] if youtube else stem


FORMAT = Format(
    name="activitynet",
    suffix=".activitynet.json",
    summary="detections for ActivityNet's evaluator",
    joins=True,
    write=write_activitynet,
)
