"""Stored results, read from files of strangers: one after the other, each checked by itself.

Owns what a file of results is: JSON Lines, one document over several lines, or a list of them.
One result that is odd is told and costs none of the others. JSON Lines are read line by line,
so that memory is bounded by the longest; a document over several lines and a list are read
whole.
"""

import io
import itertools
import os
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, BinaryIO

from vidtag.documents.json import parse_json, parse_result
from vidtag.documents.records import (
    Document,
    Failure,
    ModelRecord,
    SegmentRecord,
    StepRecord,
    TagRecord,
    summarise,
)
from vidtag.errors import DocumentError

MAX_BYTES = 256 << 20
"""Of one document, or of a list: ten hours of steps with all 400 labels of Kinetics' would be
more; with the usual five, it is a week."""

MAX_SECONDS = 1e9
"""Of a time: thirty years. What lies beyond is no video, and no format could write it."""

_MAX_ERRORS = 20
"""Lines of one file that are named one by one, before the others are only counted."""

_BOM = b"\xef\xbb\xbf"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")

Stored = Document | Failure | DocumentError
"""A stored result, or why there is none in its place."""


@contextmanager
def open_stored(path: str) -> Iterator[BinaryIO]:
    """Open a file of results: a regular one, a pipe that somebody writes to, or `-` for stdin.

    A pipe that nobody writes to is empty; it is not waited for.

    Raises:
        DocumentError: It can't be opened.
    """
    if path == "-":
        if sys.stdin is None:
            raise DocumentError(path, "Standard input is closed; name a file.")
        yield sys.stdin.buffer
        return
    try:
        _refuse_others(path, os.stat(path).st_mode)
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        file = open(os.open(path, flags), "rb")  # noqa: SIM115 - closed below
    except OSError as exc:
        raise _unreadable(path, exc) from exc
    except ValueError as exc:
        raise DocumentError(path, f"{path} can't be read: {exc}.") from exc
    with file:
        if hasattr(os, "set_blocking"):
            os.set_blocking(file.fileno(), True)
        yield file


def _unreadable(path: str, exc: OSError) -> DocumentError:
    error = DocumentError(path, f"{path} can't be read: {exc.strerror or exc}.")
    error.__cause__ = exc
    return error


def _refuse_others(path: str, mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise DocumentError(path, f"{path} can't be read: it is a folder; name files in it.")
    if not stat.S_ISREG(mode) and not stat.S_ISFIFO(mode):
        raise DocumentError(path, f"{path} can't be read: it is a device, no file.")


def read_stored(path: str) -> Iterator[Stored]:
    """Read a file of results, one after the other; what is wrong comes among them.

    Args:
        path: The file; `-` is stdin.
    """
    name = "standard input" if path == "-" else path
    try:
        with open_stored(path) as file:
            yield from _bounded(stream_results(file, name), name)
    except OSError as exc:
        yield _unreadable(path, exc)
    except DocumentError as exc:
        yield exc


def _bounded(results: Iterable[Stored], name: str) -> Iterator[Stored]:
    """Name the first errors of a file, and count the others."""
    num_errors = 0
    for result in results:
        num_errors += isinstance(result, DocumentError)
        if num_errors <= _MAX_ERRORS or not isinstance(result, DocumentError):
            yield result
    if num_errors > _MAX_ERRORS:
        yield DocumentError(name, f"{name}: {num_errors - _MAX_ERRORS} more lines are no results.")


def read_documents(text: str, name: str) -> list[Document | Failure]:
    """Read stored results: one document, a list of them, or JSON Lines.

    Args:
        text: The content of the file.
        name: What to call it in an error.

    Raises:
        DocumentError: It is no JSON, or not all of them are results of schema version 1.
    """
    results = []
    for result in stream_results(io.BytesIO(text.encode("utf-8", "surrogatepass")), name):
        if isinstance(result, DocumentError):
            raise result
        results.append(result)
    return results


def stream_results(file: BinaryIO, name: str) -> Iterator[Stored]:
    """Read results from an open file.

    Args:
        file: At its beginning.
        name: What to call it in an error.

    Raises:
        OSError: Reading failed.
    """
    lines = _lines(file, name)
    first = next(lines, None)
    if first is None:
        yield DocumentError(name, f"{name}: no result in it.")
        return
    number, line = first
    if line.startswith(_UTF_16):
        yield DocumentError(name, f"{name} is no JSON: it is not UTF-8 text.")
        return
    line = line.removeprefix(_BOM)
    value = _parse(line)
    second = None
    if isinstance(value, ValueError):
        second = next(lines, None)
    if not isinstance(value, ValueError):
        yield from _results(value, name, number)
    elif second is not None and _is_object(second[1]):
        yield from _results(value, name, number)
        yield from _results(_parse(second[1]), name, second[0])
    else:
        blank = b"\n" * (number - 1)  # so that the lines in errors are those of the file
        whole = b"".join((blank, line, b"" if second is None else second[1]))
        rest = file.read(MAX_BYTES)
        if len(whole) + len(rest) < MAX_BYTES:
            yield from _whole(whole + rest, name)
        else:
            yield _too_large(name)
        return
    for number, line in lines:
        yield from _results(_parse(line), name, number)


def _whole(text: bytes, name: str) -> Iterator[Stored]:
    """Read one value over several lines; where it is none, perhaps some of its lines are."""
    value = _parse(text)
    if isinstance(value, ValueError):
        lines = text.split(b"\n")
        if any(map(_is_object, lines)):
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield from _results(_parse(line), name, number)
            return
    yield from _results(value, name, None)


def _lines(file: BinaryIO, name: str) -> Iterator[tuple[int, bytes]]:
    """Yield the lines that are not blank, with their numbers."""
    for number in itertools.count(1):
        line = file.readline(MAX_BYTES)
        if not line:
            return
        if len(line) == MAX_BYTES:
            raise _too_large(name)
        if line.strip():
            yield number, line


def _too_large(name: str) -> DocumentError:
    return DocumentError(name, f"{name}: a document of more than {MAX_BYTES >> 20} MB is not read.")


def _parse(text: bytes) -> Any:
    """Parse JSON; why it is none comes in its place."""
    try:
        return parse_json(text)
    except ValueError as exc:
        return exc


def _is_object(text: bytes) -> bool:
    return text.lstrip().startswith(b"{") and not isinstance(_parse(text), ValueError)


def _results(value: Any, name: str, line: int | None) -> Iterator[Stored]:
    """Make results of what was parsed: of a value, or of a list of them."""
    where = name if line is None else f"{name}: line {line}"
    if isinstance(value, ValueError):
        reason = str(value).replace(" at line 1 column", " at column") if line else str(value)
        yield DocumentError(name, f"{where}: not JSON ({reason}).")
        return
    if value == []:
        yield DocumentError(name, f"{where}: no result in it.")
    for item in value if isinstance(value, list) else [value]:
        if not (isinstance(item, dict) and item.get("event") == "step"):
            yield _result(item, where)  # what `-f steps` writes before a document is part of it


def _result(value: Any, where: str) -> Stored:
    try:
        result = parse_result(value, where)
        complaint = None if isinstance(result, Failure) else _complaint(result)
        if "\0" in result.video.path:
            complaint = "video.path: a NUL is in it"
    except DocumentError as exc:
        return exc
    if complaint is not None:
        return DocumentError(where, f"{where}: not a vidtag result: {complaint}.")
    if isinstance(result, Document) and result.segments and not result.summary:
        # What an older vidtag made has none.
        return replace(result, summary=summarise(result.segments, result.sampling))
    return result


def parse_stored(line: bytes) -> Document | Failure:
    """Take back what `to_json` made of a result that was checked."""
    return parse_result(parse_json(line), "a result")


def _complaint(document: Document) -> str | None:
    """Tell what no run of vidtag can have written, though each field has its type."""
    video, sampling, settings = document.video, document.sampling, document.settings
    times = {
        "video.duration_seconds": video.duration_seconds,
        "sampling.window_seconds": sampling.window_seconds,
        "sampling.stride_seconds": sampling.stride_seconds,
        "sampling.start_seconds": sampling.start_seconds,
        "sampling.end_seconds": sampling.end_seconds,
        "settings.min_duration_seconds": settings.min_duration_seconds,
        "settings.merge_gap_seconds": settings.merge_gap_seconds,
        "timing.total_seconds": document.timing.total_seconds,
        "timing.decode_seconds": document.timing.decode_seconds,
        "timing.model_seconds": document.timing.model_seconds,
    }
    for name, seconds in times.items():
        if not 0 <= seconds <= MAX_SECONDS:
            return f"{name}: {seconds:g} is no time"
    if sampling.end_seconds < sampling.start_seconds:
        return "sampling: its end comes before its start"
    counts = {
        "video.size_bytes": video.size_bytes or 0,
        "video.num_frames": video.num_frames,
        "video.num_failed_packets": video.num_failed_packets,
        "model.num_labels": document.model.num_labels,
        "model.num_frames": document.model.num_frames,
        "model.image_size": document.model.image_size,
        "sampling.num_windows": sampling.num_windows,
        "settings.top_k": settings.top_k,
        "timing.num_repeated_windows": document.timing.num_repeated_windows,
    }
    for name, count in counts.items():
        if not 0 <= count < 1 << 63:
            return f"{name}: it is no count"
    if not (0 < video.width < 1 << 31 and 0 < video.height < 1 << 31):
        return "video: it has no size"
    if video.frame_rate is not None and not 0 < video.frame_rate <= 1e6:
        return "video.frame_rate: it is no rate"
    if not abs(video.rotation_degrees) <= 360:
        return "video.rotation_degrees: it is no rotation"
    shares = [document.still_share, *(step.still_share for step in document.timeline)]
    if not all(0 <= share <= 1 for share in shares if share is not None):
        return "still_share: it is no share"
    if settings.only is not None and not settings.only:
        return "settings.only: it names no pattern"
    if not 0 <= settings.min_score <= 1:
        return "settings.min_score: it is no score"
    if not 0 <= document.timing.realtime_factor <= MAX_SECONDS:
        return "timing.realtime_factor: it is no factor"
    return (
        _complaint_of_tags(document.tags, "tags")
        or _complaint_of_steps(document.timeline)
        or _complaint_of_segments(document.segments)
        or _complaint_of_summary(document)
        or _complaint_of_words(document.model)
        or _complaint_of_background(document)
    )


def _complaint_of_tags(tags: Iterable[TagRecord], where: str) -> str | None:
    for tag in tags:
        if not 0 <= tag.score <= 1:
            return f"{where}: a score of {tag.score:g}"
        if not 0 <= tag.index < 1 << 31:
            return f"{where}: an index that no label has"
    return None


def _complaint_of_steps(timeline: tuple[StepRecord, ...]) -> str | None:
    at = 0.0
    for n, step in enumerate(timeline):
        if not at <= step.start_seconds <= step.end_seconds <= MAX_SECONDS:
            return f"timeline.{n}: its times are out of order"
        at = step.start_seconds
        complaint = _complaint_of_tags(step.tags, f"timeline.{n}.tags")
        if complaint is not None:
            return complaint
    return None


def _complaint_of_segments(segments: tuple[SegmentRecord, ...]) -> str | None:
    for n, one in enumerate(segments):
        if not 0 <= one.start_seconds <= one.end_seconds <= MAX_SECONDS:
            return f"segments.{n}: its times are out of order"
        if not 0 <= one.peak_seconds <= MAX_SECONDS:
            return f"segments.{n}.peak_seconds: it is no time"
        if not (0 <= one.score <= 1 and 0 <= one.peak_score <= 1):
            return f"segments.{n}: its score is none"
        if not 0 <= one.index < 1 << 31:
            return f"segments.{n}: an index that no label has"
    return None


def _complaint_of_summary(document: Document) -> str | None:
    for n, one in enumerate(document.summary):
        if not (0 <= one.seconds <= MAX_SECONDS and 0 <= one.peak_seconds <= MAX_SECONDS):
            return f"summary.{n}: its times are none"
        if not all(0 <= score <= 1 for score in (one.share, one.score, one.peak_score)):
            return f"summary.{n}: its scores are none"
        if not (0 <= one.index < 1 << 31 and 0 <= one.num_segments < 1 << 63):
            return f"summary.{n}: its counts are none"
    return None


def _complaint_of_words(model: ModelRecord) -> str | None:
    words, background = model.words, model.background
    if words is None:
        is_bare = model.labels is None and model.template is None and background is None
        return None if is_bare else "model: it has no words"
    if model.labels is None:
        return "model.words: its labels are not given ones"
    if len(words) != model.num_labels:
        return "model.words: they are not as many as its labels"
    if model.template is None or model.template.count("{}") != 1:
        return "model.template: it has no one place for a label"
    for n, word in enumerate(words):
        if not (word.label and word.phrases and all(word.phrases)):
            return f"model.words.{n}: it says nothing"
    if background is None:
        return None
    if not 0 <= background.num_phrases < 1 << 63:
        return "model.background.num_phrases: it is no count"
    labels = {word.label for word in words}
    for n, one in enumerate(background.left_out):
        if one.label not in labels:
            return f"model.background.left_out.{n}: a label that was not given"
        if not -1 <= one.cosine <= 1:
            return f"model.background.left_out.{n}: its cosine is none"
    return None if -1 <= background.limit <= 1 else "model.background.limit: it is no cosine"


def _complaint_of_background(document: Document) -> str | None:
    background = document.model.background
    has_one = background is not None and background.num_phrases > 0
    has_one = (has_one or bool(document.model.has_none)) and document.settings.only is None
    complaint = _complaint_of_rest(document.background_score, has_one)
    if complaint is not None:
        return f"background_score: {complaint}"
    for n, step in enumerate(document.timeline):
        complaint = _complaint_of_rest(step.background_score, has_one)
        if complaint is not None:
            return f"timeline.{n}.background_score: {complaint}"
    return None


def _complaint_of_rest(score: float | None, has_background: bool) -> str | None:
    if score is None:
        return "it is missing" if has_background else None
    if not has_background:
        return "there is no background"
    return None if 0 <= score <= 1 else f"a score of {score:g}"
