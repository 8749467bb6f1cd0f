"""Pictures in HEIF files: put together from tiles, and chosen among thumbnails."""

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from boxes import box
from make_video import CORNERS, Image, draw_index, read_corners, read_index
from PIL import Image as Pillow

from vidtag.errors import NoVideoStreamError, VideoDecodeError, VideoError
from vidtag.video import Part, Video

GRID, FIRST_TILE, THUMBNAIL = 1, 2, 40
TILE = (64, 48)


def full(kind: bytes, version: int, content: bytes, flags: int = 0) -> bytes:
    return box(kind, struct.pack(">I", version << 24 | flags) + content)


def jpeg(image: Image) -> bytes:
    buffer = io.BytesIO()
    Pillow.fromarray(image).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


def write(
    path: Path,
    image: Image,
    *,
    properties: bytes = b"",
    num_properties: int = 0,
    derived: bytes = b"grid",
    in_idat: bool = True,
) -> Path:
    """Write a HEIC file whose primary item is a grid of JPEG tiles; it has a thumbnail, too."""
    height, width = image.shape[:2]
    columns, rows = -(-width // TILE[0]), -(-height // TILE[1])
    padded = np.pad(
        image, ((0, rows * TILE[1] - height), (0, columns * TILE[0] - width), (0, 0)), "edge"
    )
    tiles = [
        jpeg(padded[y * TILE[1] : (y + 1) * TILE[1], x * TILE[0] : (x + 1) * TILE[0]])
        for y in range(rows)
        for x in range(columns)
    ]
    grid = struct.pack(">BBBBHH", 0, 0, rows - 1, columns - 1, width, height)
    items = {FIRST_TILE + n: tile for n, tile in enumerate(tiles)}
    items[THUMBNAIL] = jpeg(np.full((*TILE[::-1], 3), 90, np.uint8))

    def make_meta(begin: int) -> bytes:
        places, offset = {}, begin
        for item, content in items.items():
            places[item] = offset, len(content)
            offset += len(content)
        types = {GRID: derived} | dict.fromkeys(items, b"jpeg")
        entries = b"".join(
            full(b"infe", 2, struct.pack(">HH4sB", item, 0, kind, 0))
            for item, kind in types.items()
        )
        grid_place = 0 if in_idat else offset
        locations = struct.pack(">HHHHII", GRID, int(in_idat), 0, 1, grid_place, len(grid))
        for item, (place, length) in places.items():
            locations += struct.pack(">HHHHII", item, 0, 0, 1, place, length)
        named = list(items)[: len(tiles)]
        references = box(b"dimg", struct.pack(f">HH{len(named)}H", GRID, len(named), *named)) + box(
            b"thmb", struct.pack(">HHH", THUMBNAIL, 1, GRID)
        )
        sizes = full(b"ispe", 0, struct.pack(">II", width, height))
        sizes += full(b"ispe", 0, struct.pack(">II", *TILE))
        owned = [1, *range(3, 3 + num_properties)]
        associations = struct.pack(f">HB{len(owned)}B", GRID, len(owned), *owned)
        for item in items:
            associations += struct.pack(">HBB", item, 1, 2)
        content = (
            full(b"hdlr", 0, struct.pack(">I4s12xB", 0, b"pict", 0))
            + full(b"pitm", 0, struct.pack(">H", GRID))
            + full(b"iinf", 0, struct.pack(">H", len(types)) + entries)
            + full(b"iref", 0, references)
            + box(
                b"iprp",
                box(b"ipco", sizes + properties)
                + full(b"ipma", 0, struct.pack(">I", len(types)) + associations),
            )
            + full(b"iloc", 1, struct.pack(">BBH", 0x44, 0, len(types)) + locations)
            + (box(b"idat", grid) if in_idat else b"")
        )
        return full(b"meta", 0, content)

    head = box(b"ftyp", b"heic\0\0\0\0mif1heic")
    begin = len(head) + len(make_meta(0)) + 8
    data = b"".join(items.values()) + (b"" if in_idat else grid)
    path.write_bytes(head + make_meta(begin) + box(b"mdat", data))
    return path


def look(path: Path) -> tuple[Image, int]:
    with Video(path) as video:
        images = [frame.to_rgb() for frame in video.frames()]
        info = video.info()
        assert {notice.code for notice in video.notices()} == {"still_picture"}
    assert len(images) == info.num_frames == 1
    assert images[0].shape == (info.height, info.width, 3)
    return images[0], info.rotation_degrees


@pytest.mark.parametrize("in_idat", [True, False])
@pytest.mark.parametrize("size", [(64, 48), (128, 96), (160, 120), (64, 144), (250, 100)], ids=str)
def test_tiles_are_put_together(size: tuple[int, int], in_idat: bool, tmp_path: Path) -> None:
    path = write(tmp_path / "a.heic", draw_index(9, size), in_idat=in_idat)
    image, _ = look(path)
    assert image.shape[1::-1] == size
    assert read_corners(image) == CORNERS
    assert read_index(image) == 9


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_rotated(quarters: int, tmp_path: Path) -> None:
    stored = np.rot90(draw_index(9), -quarters).copy()
    irot = box(b"irot", bytes([quarters]))
    image, degrees = look(write(tmp_path / "a.heic", stored, properties=irot, num_properties=1))
    assert read_corners(image) == CORNERS
    assert read_index(image) == 9
    assert degrees == 360 - 90 * quarters


@pytest.mark.parametrize("is_sideways", [0, 1])
def test_mirrored_after_it_was_turned(is_sideways: int, tmp_path: Path) -> None:
    upright = draw_index(9)
    stored = np.rot90(upright[:, ::-1] if is_sideways else upright[::-1], -1).copy()
    properties = box(b"irot", b"\1") + box(b"imir", bytes([is_sideways]))
    image, _ = look(write(tmp_path / "a.heic", stored, properties=properties, num_properties=2))
    assert read_corners(image) == CORNERS
    assert read_index(image) == 9


def test_cropped(tmp_path: Path) -> None:
    stored = np.full((130, 180, 3), (230, 20, 230), np.uint8)
    stored[4:124, 12:172] = draw_index(9)
    clap = box(b"clap", struct.pack(">IIIIiIiI", 160, 1, 120, 1, 4, 2, -2, 2))
    image, _ = look(write(tmp_path / "a.heic", stored, properties=clap, num_properties=1))
    assert image.shape == (120, 160, 3)
    assert read_corners(image) == CORNERS


def test_the_whole_is_held_against_the_limit_of_pixels(tmp_path: Path) -> None:
    path = write(tmp_path / "a.heic", draw_index(9, (250, 200)))
    with pytest.raises(VideoDecodeError, match="250x200"):
        Video(path, Part(max_pixels=20_000))


def test_another_derived_picture_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.heic", draw_index(9), derived=b"iovl")
    with pytest.raises(NoVideoStreamError, match="put together") as caught:
        Video(path)
    assert caught.value.code == "unsupported_codec"


def test_damaged_boxes_are_no_crash(tmp_path: Path) -> None:
    path = write(tmp_path / "a.heic", draw_index(9))
    data = path.read_bytes()
    end = data.index(b"mdat")
    for place in range(24, end, 7):
        damaged = bytearray(data)
        damaged[place] ^= 0xFF
        path.write_bytes(damaged)
        try:
            with Video(path) as video:
                list(video.frames())
        except VideoError:
            pass
