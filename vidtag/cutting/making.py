"""Clips, a reel and stills, written whole or not at all, and never over what is not vidtag's."""

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial

from vidtag.cutting.chapters import CONTAINERS
from vidtag.cutting.hits import Hit, clip_name, join_hits
from vidtag.documents.record import CONFIG, OPTIONAL, Record
from vidtag.documents.records import Document
from vidtag.errors import EmptyVideoError, OutputError
from vidtag.outputs.atomic import (
    check_replaceable,
    check_writable_folder,
    clear_temporaries,
    drafted,
    make_folder,
)
from vidtag.outputs.fingerprint import record_of
from vidtag.outputs.records import Records
from vidtag.outputs.replacing import is_foreign
from vidtag.seconds import round_seconds
from vidtag.video.cutting import CutSource, Made, Piece, Way
from vidtag.video.exact_cuts import ExactWriter
from vidtag.video.packet_cuts import PacketWriter


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipRecord(Record):
    """A file that was made, and of what."""

    __pydantic_config__ = CONFIG

    path: str
    """The clip or still."""
    video: str
    """What it was cut out of."""
    label: str
    score: float
    start_seconds: float
    """Of the hit."""
    end_seconds: float
    """Of the hit."""
    clip_start_seconds: float
    """When its first picture is shown in the video: before the hit where packets were copied."""
    clip_end_seconds: float | None = field(default=None, metadata=OPTIONAL)
    """When its last picture ends in the video; of clips."""
    num_frames: int | None = field(default=None, metadata=OPTIONAL)
    has_sound: bool | None = field(default=None, metadata=OPTIONAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class CutWishes:
    """How hits become files."""

    way: Way = "copy"
    stills: bool = False
    """Also a still of each hit, at its best moment."""

    force: bool = False
    """Replace in the folder also what vidtag did not make."""


class ClipFolder:
    """A folder that clips go to.

    Args:
        folder: Where; made where it is not there.
        wishes: How.

    Raises:
        OutputError: It can't be written to.
    """

    def __init__(self, folder: str, wishes: CutWishes) -> None:
        self._folder = folder
        self._wishes = wishes
        make_folder(folder)
        check_writable_folder(folder)
        clear_temporaries(folder)
        self._records = Records(folder)
        self._taken: set[str] = set()

    def make(
        self,
        document: Document,
        hits: Sequence[Hit],
        tell: Callable[[ClipRecord], None],
        fail: Callable[[str], None],
    ) -> None:
        """Cut the hits of one video out; one that has no picture costs the others nothing.

        Args:
            document: What was said of it.
            hits: Which.
            tell: Told of each file that was made.
            fail: Told why a hit gave none.

        Raises:
            VideoError: It can't be read.
            OutputError: A clip can't be written.
        """
        video = document.video.path
        record = record_of(document)
        with CutSource(video) as source:
            suffix = ".mp4" if self._wishes.way == "exact" else source.suffix
            for hit in hits:
                path = self._path(clip_name(video, hit, suffix))
                try:
                    with drafted(path, partial(self._records.changing, path, record)) as draft:
                        made = _write(draft, suffix, self._wishes.way, [(source, _piece(hit))])
                        if made is None:
                            raise _nothing(video, hit)
                except EmptyVideoError as exc:
                    fail(str(exc))
                    continue
                tell(_told(path, video, hit, made))
                if self._wishes.stills:
                    still = self._path(clip_name(video, hit, ".jpg"))
                    with drafted(still, partial(self._records.changing, still, record)) as draft:
                        at = write_still(draft, video, hit.peak_seconds)
                    tell(_told(still, video, hit, at))

    def close(self) -> None:
        """Leave the records sorted."""
        self._records.close()

    def _path(self, name: str) -> str:
        stem, suffix = os.path.splitext(name)
        number = 1
        # Two videos may have the same name, and two labels become the same.
        while (path := os.path.join(self._folder, name)).casefold() in self._taken:
            number += 1
            name = f"{stem} {number}{suffix}"
        self._taken.add(path.casefold())
        check_replaceable(path)
        if not self._wishes.force and is_foreign(path, self._records):
            why = f"'{path}' was not made by vidtag and would be overwritten; add --force."
            raise OutputError(path, why, costs_all=False)
        return path


def make_reel(path: str, videos: Sequence[tuple[str, Sequence[Hit]]], way: Way) -> None:
    """Join the hits of all videos into one file, each stretch once.

    Args:
        path: The file; its suffix is one of `CONTAINERS`.
        videos: Names of videos with their hits.
        way: How.

    Raises:
        VideoError: One can't be read, or is encoded otherwise than the first, and `way` is `copy`.
        OutputError: It can't be written.
    """
    with ExitStack() as stack:
        pieces = []
        for video, hits in videos:
            source = stack.enter_context(CutSource(video))
            pieces += [(source, Piece(start=start, end=end)) for start, end in join_hits(hits)]
        with drafted(path) as draft:
            _write(draft, os.path.splitext(path)[1].lower(), way, pieces)


def write_still(path: str, video: str, seconds: Fraction) -> Fraction:
    """Write the picture on screen at a moment as a JPEG; return when it came on screen.

    Raises:
        VideoError: There is none.
        OutputError: It can't be written.
    """
    from PIL import Image  # only stills need it

    from vidtag.video import Video
    from vidtag.video.options import Part

    with Video(video, Part(start=seconds)) as reading:
        frame = next(reading.frames())
        picture = Image.fromarray(frame.to_rgb())
        at = frame.seconds
    try:
        with open(path, "wb") as file:
            picture.save(file, "jpeg", quality=92)
    except OSError as exc:
        raise OutputError(path, f"The still can't be written: {exc.strerror or exc}.") from exc
    return at


def _write(
    path: str, suffix: str, way: Way, pieces: Sequence[tuple[CutSource, Piece]]
) -> Made | None:
    """Write pieces into one file; return what the last one has become."""
    first = pieces[0][0]
    writer: ExactWriter | PacketWriter
    if way == "exact":
        sounding = next((source for source, _ in pieces if source.has_sound), None)
        is_mixed = len({source.shape for source, _ in pieces}) > 1
        writer = ExactWriter(path, first, sounding, is_mixed=is_mixed)
    else:
        writer = PacketWriter(path, kind=CONTAINERS[suffix])
    made = None
    try:
        for source, piece in pieces:
            made = writer.add(source, piece) or made
        writer.close()
    except BaseException:
        writer.drop()
        raise
    return made


def _piece(hit: Hit) -> Piece:
    return Piece(start=hit.cut_start, end=hit.cut_end)


def _nothing(video: str, hit: Hit) -> EmptyVideoError:
    message = f"No picture of '{video}' comes on screen in the hit at "
    message += f"{float(hit.start_seconds):g} s."
    return EmptyVideoError(video, "no_frames", message)


def _told(path: str, video: str, hit: Hit, made: Made | Fraction) -> ClipRecord:
    return ClipRecord(
        path=path,
        video=video,
        label=hit.label,
        score=hit.score,
        start_seconds=round_seconds(hit.start_seconds),
        end_seconds=round_seconds(hit.end_seconds),
        clip_start_seconds=round_seconds(made.start_seconds if isinstance(made, Made) else made),
        clip_end_seconds=round_seconds(made.end_seconds) if isinstance(made, Made) else None,
        num_frames=made.num_frames if isinstance(made, Made) else None,
        has_sound=made.has_sound if isinstance(made, Made) else None,
    )
