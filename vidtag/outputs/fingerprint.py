"""What a result was made from and how: what `--skip-existing` takes as done.

Owns the record of it, how a record is read back, and the `Fingerprint` that it must fit. Does not
know where records are kept: JSON documents tell it themselves; for other formats, `records` and
`one_file` have a `.vidtag.jsonl` each.
"""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

from vidtag.documents.records import Document
from vidtag.seconds import round_seconds
from vidtag.urls import is_url
from vidtag.version import __version__

if TYPE_CHECKING:  # heavy, and only read from
    from vidtag.clips.grid import Grid
    from vidtag.models.classifier import ClassifierInfo
    from vidtag.tagging.settings import Settings

RECORDS_NAME = ".vidtag.jsonl"
"""In an output folder: which file was made from what."""

Record = Mapping[str, Any]
"""What a result was made from and how, in the words of the JSON document."""

ContentId = Callable[[str], str | None]
"""Hashes a local file; `None` where it can't be read."""

RECORD_KEYS = ("vidtag_version", "video", "model", "sampling", "settings", "engine")
"""What of a JSON document is its record."""

_HEADER_BYTES = 16384
_END_OF_HEADER = b', "tags": ['


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """What a result must have been made with, to be taken as done.

    The engine, device and precision count only where they were asked for: what `auto` stands for
    may differ from one machine to the next without making the work undone.
    """

    vidtag_version: str
    model_id: str | None
    """`None` for a folder: its revision is its content, and its name may be spelt in many ways."""
    model_revision: str | None
    """Without one, the model can't be told from another, and nothing is taken as done."""
    window_seconds: float
    stride_seconds: float
    average: str
    start_seconds: float
    end_seconds: float | None
    """As asked for; `None` is the video's end."""
    top_k: int
    min_score: float
    min_duration_seconds: float
    merge_gap_seconds: float
    engine: str | None = None
    device: str | None = None
    precision: str | None = None

    @classmethod
    def of(
        cls,
        settings: "Settings",
        info: "ClassifierInfo",
        grid: "Grid",
        *,
        engine: str | None = None,
        device: str | None = None,
        precision: str | None = None,
    ) -> Self:
        """Take it from what a run is made with.

        Args:
            settings: What is asked of every video.
            info: The model; only its id and revision count.
            grid: The windows as used.
            engine: As asked for; `None` for `auto`.
            device: As asked for; `None` for `auto`.
            precision: As asked for; `None` for `auto`.
        """
        end = settings.read.end
        return cls(
            vidtag_version=__version__,
            model_id=info.model_id if info.identity != info.revision else None,
            model_revision=info.revision,
            window_seconds=round_seconds(grid.window_seconds),
            stride_seconds=round_seconds(grid.stride_seconds),
            average=settings.average,
            start_seconds=round_seconds(grid.start_seconds),
            end_seconds=None if end is None else round_seconds(end),
            top_k=settings.top_k,
            min_score=settings.rule.min_score,
            min_duration_seconds=round_seconds(settings.rule.min_duration_seconds),
            merge_gap_seconds=round_seconds(settings.rule.merge_gap_seconds),
            engine=engine,
            device=device,
            precision=precision,
        )

    def fits(self, record: Record, content_id: str | None) -> bool:
        """Tell whether a result was made from this content in this way."""
        try:
            video, sampling = record["video"], record["sampling"]
            settings, engine = record["settings"], record["engine"]
            return (
                content_id is not None
                and self.model_revision is not None
                and video["content_id"] == content_id
                and record["vidtag_version"] == self.vidtag_version
                and self.model_id in (None, record["model"]["id"])
                and record["model"]["revision"] == self.model_revision
                and sampling["window_seconds"] == self.window_seconds
                and sampling["stride_seconds"] == self.stride_seconds
                and sampling["average"] == self.average
                and sampling["start_seconds"] == self.start_seconds
                and self._fits_end(sampling["end_seconds"], video["duration_seconds"])
                and settings["top_k"] == self.top_k
                and settings["min_score"] == self.min_score
                and settings["min_duration_seconds"] == self.min_duration_seconds
                and settings["merge_gap_seconds"] == self.merge_gap_seconds
                and self.engine in (None, engine["name"])
                and self.precision in (None, engine["precision"])
                and self.device in (None, engine["device"], engine["device"].split(":")[0])
            )
        except (AttributeError, KeyError, TypeError):
            return False

    def _fits_end(self, end: float, duration: float) -> bool:
        asked = self.end_seconds
        return end == asked or (end == duration and (asked is None or asked > duration))


def record_of(document: Document) -> Record:
    """Keep of a document what `Fingerprint.fits` looks at."""
    video, model = document.video, document.model
    sampling = asdict(document.sampling)
    del sampling["num_windows"]
    return {
        "vidtag_version": document.vidtag_version,
        "video": {"content_id": video.content_id, "duration_seconds": video.duration_seconds},
        "model": {"id": model.id, "revision": model.revision},
        "sampling": sampling,
        "settings": asdict(document.settings),
        "engine": asdict(document.engine),
    }


def read_header(path: str) -> Record | None:
    """Read of a stored document what comes before its tags; `None` where it is none, or not whole.

    Long documents are not read to the end: a folder of them must be looked through in no time.
    """
    if not os.path.isfile(path):  # reading a pipe would wait
        return None
    try:
        with open(path, "rb") as file:
            head = file.read(_HEADER_BYTES)
            file.seek(0, os.SEEK_END)
            file.seek(max(file.tell() - 2, 0))
            if file.read().rstrip()[-1:] != b"}":
                return None
            end = head.find(_END_OF_HEADER)  # not within a string: quotes are escaped there
            if end < 0:
                file.seek(0)
                parsed = json.loads(file.read())
            else:
                parsed = json.loads(head[:end] + b"}")
    except (OSError, ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) else None


def read_lines(path: str) -> Iterator[tuple[bytes, dict[str, Any]]]:
    """Read JSON Lines that a kill may have cut; what can't be read is as if it were not there."""
    try:
        with open(path, "rb") as file:
            for line in file:
                try:
                    parsed = json.loads(line)
                except (ValueError, RecursionError):
                    continue
                if isinstance(parsed, dict) and line.endswith(b"\n"):
                    yield line, parsed
    except OSError:
        return


def holds_other_lines(path: str, beginning: bytes) -> bool:
    """Tell whether something is there that is no file of lines that begin like this.

    An empty file is none of others', nor is one whose first line a kill has cut.
    """
    try:
        if not os.path.isfile(path):  # reading a pipe would wait
            return os.path.lexists(path)
        with open(path, "rb") as file:
            return not beginning.startswith(file.read(len(beginning)))
    except OSError:
        return True


def are_done(
    source: str,
    records: Iterable[Record | None],
    fingerprint: Fingerprint,
    content_id: ContentId,
) -> bool:
    """Tell whether all results of an input were made from it in the way asked for."""
    if source == "-" or is_url(source) or not os.path.isfile(source):
        return False
    known = []
    for record in records:
        if record is None:
            return False
        known.append(record)
    try:
        content = content_id(source)
    except OSError:
        return False
    return all(fingerprint.fits(record, content) for record in known)
