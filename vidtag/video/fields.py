"""HEVC's fields woven into frames.

Interlaced HEVC codes each field as a picture of half the height, and FFmpeg hands them out so. A
pair becomes one interlaced frame, which is then treated like those of other codecs.
"""

from collections.abc import Iterator
from fractions import Fraction

import av
from av.filter import Graph

from vidtag.video.containers import AV_ERRORS

_TICK = Fraction(1, 1000)


class FieldPairs:
    """Joins the fields of one stream, in the order in which they are shown."""

    def __init__(self) -> None:
        self.are_fields = False
        """Whether the last picture was a field."""

        self._first: tuple[av.VideoFrame, bool] | None = None

    def push(self, picture: av.VideoFrame) -> Iterator[av.VideoFrame]:
        """Take the decoder's next picture; yield the frames that are whole now."""
        self.are_fields = picture.interlaced_frame
        if not self.are_fields:
            yield from self.flush()
            yield picture
            return
        is_top = _is_top(picture)
        first = self._first
        if first is not None and first[1] != is_top and _layout(first[0]) == _layout(picture):
            self._first = None
            yield _woven(first[0], picture, first[1])
            return
        yield from self.flush()
        self._first = picture, is_top

    def flush(self) -> Iterator[av.VideoFrame]:
        """Yield the last field if its partner is lost: its lines are shown twice."""
        if self._first is not None:
            picture, is_top = self._first
            self._first = None
            yield _woven(picture, picture, is_top)


def _layout(picture: av.VideoFrame) -> tuple[int, int, str]:
    return picture.width, picture.height, picture.format.name


def _is_top(field: av.VideoFrame) -> bool:
    """Tell a field's parity, which PyAV 18 does not, but an expression of a filter does."""
    graph = _graph(field, "select", "eq(interlace_type,TOPFIRST)")
    graph.vpush(field)
    try:
        graph.vpull()
    except AV_ERRORS:
        return False
    return True


def _woven(first: av.VideoFrame, second: av.VideoFrame, is_top_first: bool) -> av.VideoFrame:
    graph = _graph(first, "weave", f"first_field={'top' if is_top_first else 'bottom'}")
    graph.vpush(first)
    graph.vpush(second)
    frame = graph.vpull()
    frame.pts, frame.time_base = first.pts, first.time_base
    frame.duration = first.duration + (second.duration if second is not first else 0)
    return frame


def _graph(picture: av.VideoFrame, name: str, arguments: str) -> Graph:
    graph = Graph()
    graph.threads = 1
    source = graph.add_buffer(
        width=picture.width, height=picture.height, format=picture.format, time_base=_TICK
    )
    graph.link_nodes(source, graph.add(name, arguments), graph.add("buffersink")).configure()
    return graph
