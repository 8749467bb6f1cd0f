"""Which picture an HEIF or AVIF file shows, and how it is put together from tiles.

FFmpeg makes a stream of each coded picture: also of thumbnails, and of the tiles of a grid. How
they belong together lies in groups of streams, which PyAV 18 does not hand out; so the file's
`meta` box is read (ISO/IEC 14496-12, 8.11; ISO/IEC 23008-12, 6.6.2.3).
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace

from vidtag.video.containers import HEAD_BYTES
from vidtag.video.pictures import Turn, turn_of_degrees
from vidtag.video.side_data import Crop, crop_of_aperture
from vidtag.video.sources import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A picture of equal tiles, row by row."""

    columns: int
    size: tuple[int, int]
    """Width and height of the whole; the last tiles may reach beyond."""

    tiles: tuple[int, ...]
    """Items, which are the ids of FFmpeg's streams."""

    turn: Turn
    crop: Crop | None


def read_primary(source: Source) -> Grid | int | None:
    """Find the picture that a file shows: a grid, or one item; `None` where that is not told."""
    try:
        return _read_primary(source)
    except (ArithmeticError, LookupError, ValueError, struct.error):
        return None  # damaged


def _read_primary(source: Source) -> Grid | int | None:
    head = source.edges(HEAD_BYTES)[:HEAD_BYTES]
    meta = dict(_boxes(dict(_boxes(head))[b"meta"][4:]))
    primary = meta[b"pitm"]
    item = _number(primary, 4, 4 if primary[0] else 2)
    if _item_types(meta[b"iinf"]).get(item) != b"grid":
        return item
    place, length, is_inside = _location(meta[b"iloc"], item)
    if is_inside:
        data = meta[b"idat"][place : place + length]
    else:
        data = source.passage(place, place + length)
    field = 4 if data[1] & 1 else 2
    rows, columns = data[2] + 1, data[3] + 1
    size = _number(data, 4, field), _number(data, 4 + field, field)
    tiles = _tiles(meta[b"iref"], item)
    if len(tiles) != rows * columns or not all(size):
        return None
    grid = Grid(columns=columns, size=size, tiles=tiles, turn=Turn(), crop=None)
    for kind, content in _properties(meta[b"iprp"], item):
        if kind == b"clap":
            grid = replace(grid, crop=crop_of_aperture(content[:32], size))
        elif kind == b"irot":
            grid = replace(grid, turn=turn_of_degrees(90 * (content[0] & 3)))
        elif kind == b"imir":
            is_sideways = bool(content[0] & 1)
            turn = grid.turn
            grid = replace(
                grid,
                turn=replace(
                    turn,
                    flip_x=turn.flip_x != is_sideways,
                    flip_y=turn.flip_y == is_sideways,
                ),
            )
    return grid


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the types and contents of boxes, the last of each type last."""
    position = 0
    while position + 8 <= len(data):
        size, header = _number(data, position, 4), 8
        if size == 1:
            size, header = _number(data, position + 8, 8), 16
        if size == 0:
            size = len(data) - position
        if size < header:
            return
        yield data[position + 4 : position + 8], data[position + header : position + size]
        position += size


def _number(data: bytes, place: int, size: int) -> int:
    if place + size > len(data):
        raise IndexError(place)
    return int.from_bytes(data[place : place + size], "big")


def _item_types(iinf: bytes) -> dict[int, bytes]:
    types = {}
    for kind, entry in _boxes(iinf[8 if iinf[0] else 6 :]):
        if kind == b"infe" and entry[0] >= 2:
            size = 2 if entry[0] == 2 else 4
            types[_number(entry, 4, size)] = entry[6 + size : 10 + size]
    return types


def _location(iloc: bytes, item: int) -> tuple[int, int, bool]:
    """Return an item's place and length, and whether it lies in the `idat` box."""
    version = iloc[0]
    sizes = iloc[4] >> 4, iloc[4] & 15, iloc[5] >> 4, iloc[5] & 15 if version else 0
    offset_size, length_size, base_size, index_size = sizes
    wide = 4 if version == 2 else 2
    place = 6 + wide
    for _ in range(_number(iloc, 6, wide)):
        found = _number(iloc, place, wide)
        place += wide
        method = 0
        if version:
            method = iloc[place + 1] & 15
            place += 2
        base = _number(iloc, place + 2, base_size)
        place += 2 + base_size
        num_extents = _number(iloc, place, 2)
        place += 2
        if found == item:
            offset = _number(iloc, place + index_size, offset_size)
            length = _number(iloc, place + index_size + offset_size, length_size)
            return base + offset, length, method == 1
        place += num_extents * (index_size + offset_size + length_size)
    raise KeyError(item)


def _tiles(iref: bytes, item: int) -> tuple[int, ...]:
    size = 4 if iref[0] else 2
    for kind, content in _boxes(iref[4:]):
        if kind == b"dimg" and _number(content, 0, size) == item:
            count = _number(content, size, 2)
            return tuple(_number(content, size + 2 + n * size, size) for n in range(count))
    return ()


def _properties(iprp: bytes, item: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield an item's properties in their order."""
    boxes = dict(_boxes(iprp))
    properties = list(_boxes(boxes[b"ipco"]))
    ipma = boxes[b"ipma"]
    size = 4 if ipma[0] else 2
    wide = 2 if ipma[3] & 1 else 1
    place = 8
    for _ in range(_number(ipma, 4, 4)):
        found, count = _number(ipma, place, size), ipma[place + size]
        place += size + 1
        if found == item:
            for number in range(count):
                index = _number(ipma, place + number * wide, wide) & (0x7FFF if wide == 2 else 0x7F)
                if index:
                    yield properties[index - 1]
            return
        place += count * wide
