"""A decoded frame made into the picture that a viewer sees.

Owns cropping, rotation and mirrors, sample aspect ratio, interlacing, colour tags and transparency.
Knows nothing of files and times.
"""

import struct
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
import numpy.typing as npt
from av.error import FFmpegError
from av.filter import Graph
from av.sidedata.sidedata import Type as SideDataType
from av.video.reformatter import Interpolation

from vidtag.video.frames import Image
from vidtag.video.orientation import TurnMark
from vidtag.video.side_data import Crop

SCALING = int(
    Interpolation.BILINEAR
    | Interpolation.FULL_CHR_H_INT
    | Interpolation.FULL_CHR_H_INP
    | Interpolation.ACCURATE_RND
)
"""Measured against a full-size conversion: at the worst 5 levels off, plain bilinear 37."""

CONVERTING = int(Interpolation.BILINEAR)
"""Where nothing is scaled: the pixels of PyAV's own `to_ndarray(format="rgb24")`, which the models
are usually given, in a third of the time of the careful flags (3 instead of 10 ms for 1080p)."""

SQUARE_TOLERANCE = Fraction(1, 100)
"""Sample aspect ratios this close to 1 are left alone: encoders write such as 704:705 for
sizes that they rounded, and resampling would cost more than it corrects."""

WIDEST_SAMPLE = 16
"""Sample aspect ratios beyond 16:1 or 1:16 are damaged headers; the widest in use are 4:1."""

_RIGHT_ANGLE_TOLERANCE = 0.02

# Values of AVColorSpace.
_BT709, _UNSPECIFIED, _BT601 = 1, 2, 6
_CONVERTED_SPACES = {1, 4, 5, 6, 7, 9}
_CONVERTED_RANGES = {0, 1, 2}
# Values of AVColorTransferCharacteristic.
HDR_TRANSFERS = {16: "PQ", 18: "HLG"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """How a decoded picture is turned to stand upright."""

    transpose: bool = False
    """Swap rows and columns, before the flips."""

    flip_x: bool = False
    flip_y: bool = False
    is_ignored: bool = False
    """The display matrix was none that makes an upright picture."""

    @property
    def degrees(self) -> int:
        """Clockwise rotation, after a mirroring from left to right where there is one."""
        if self.transpose:
            return 90 if self.flip_x else 270
        return 180 if self.flip_y else 0

    def apply(self, image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Turn a picture of shape `(H, W, C)`."""
        if self.transpose:
            image = image.transpose(1, 0, 2)
        if self.flip_x:
            image = image[:, ::-1]
        if self.flip_y:
            image = image[::-1]
        return image


_TURNS = {
    0: Turn(),
    90: Turn(transpose=True, flip_y=True),
    180: Turn(flip_x=True, flip_y=True),
    270: Turn(transpose=True, flip_x=True),
}
"""By the counter-clockwise degrees that PyAV tells."""


def turn_of_degrees(degrees: int) -> Turn:
    """Return a turn by counter-clockwise right angles."""
    return _TURNS[degrees % 360]


class TurnReader:
    """Reads the display matrices of one video's frames.

    A frame of PyAV 18 whose side data was looked at belongs to a reference cycle: its pixels stay
    until the garbage collector comes by, and a hundred bytes for good. So only a frame is looked
    at whose rotation or size is another than that of the frame before it, or which says that it
    brings a new matrix. A frame without any keeps that of the frame before it.
    """

    def __init__(self) -> None:
        self._seen: tuple[int, int, int] | None = None
        self._turn = Turn()

    def read(self, frame: av.VideoFrame) -> Turn:
        """Tell how a frame is turned to stand upright."""
        seen = frame.rotation, frame.width, frame.height
        is_told = isinstance(frame.opaque, TurnMark)
        if seen != self._seen or is_told:
            self._seen = seen
            turn = _turn_of(frame)
            if turn is not None or is_told:
                self._turn = turn or Turn()
        return self._turn


def _turn_of(frame: av.VideoFrame) -> Turn | None:
    """Read a frame's display matrix, if it has one."""
    try:
        data = frame.side_data.get(SideDataType.DISPLAYMATRIX)  # type: ignore[call-overload]
    except ValueError:
        # PyAV 18 refuses all side data where it does not know one kind of it, such as the Exif
        # data of photographs and the view number of spatial videos. Mirrors are lost then.
        is_turned = frame.rotation != 0
        return _TURNS.get(frame.rotation % 360, Turn(is_ignored=True)) if is_turned else None
    if data is None:
        return None
    matrix = bytes(data)
    if len(matrix) < 36:
        return Turn(is_ignored=True)
    a, b, _, c, d, _, _, _, _ = struct.unpack("9i", matrix[:36])
    return turn_of_matrix(a, b, c, d)


def turn_of_matrix(a: int, b: int, c: int, d: int) -> Turn:
    """Tell what a display matrix does: x' = a·x + c·y, y' = b·x + d·y (y points down).

    >>> turn_of_matrix(0, 65536, -65536, 0).degrees
    90
    """
    small = _RIGHT_ANGLE_TOLERANCE
    if a and d and max(abs(b), abs(c)) <= small * min(abs(a), abs(d)):
        return Turn(flip_x=a < 0, flip_y=d < 0)
    if b and c and max(abs(a), abs(d)) <= small * min(abs(b), abs(c)):
        return Turn(transpose=True, flip_x=c < 0, flip_y=b < 0)
    return Turn(is_ignored=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The size of the picture that a viewer sees, and how it comes about."""

    scaled_width: int
    """Width with square pixels, cropped, before the turn."""

    scaled_height: int
    """Height, cropped, before the turn."""

    crop: Crop | None
    turn: Turn
    is_aspect_ignored: bool

    @property
    def width(self) -> int:
        """Width of the upright picture."""
        return self.scaled_height if self.turn.transpose else self.scaled_width

    @property
    def height(self) -> int:
        """Height of the upright picture."""
        return self.scaled_width if self.turn.transpose else self.scaled_height


def shape_of(
    frame: av.VideoFrame, sample_aspect: Fraction | None, turn: Turn, crop: Crop | None = None
) -> Shape:
    """Find the size at which a viewer sees a frame; a crop that leaves nothing is ignored."""
    width, height = frame.width, frame.height
    if crop is not None:
        width -= crop.left + crop.right
        height -= crop.top + crop.bottom
        if min(width, height) <= 0:
            width, height, crop = frame.width, frame.height, None
    is_aspect_ignored = False
    if sample_aspect is not None and sample_aspect > 0 and sample_aspect != 1:
        if not Fraction(1, WIDEST_SAMPLE) <= sample_aspect <= WIDEST_SAMPLE:
            is_aspect_ignored = True
        elif abs(sample_aspect - 1) >= SQUARE_TOLERANCE:
            width = max(1, int(width * sample_aspect + Fraction(1, 2)))
    return Shape(
        scaled_width=width,
        scaled_height=height,
        crop=crop,
        turn=turn,
        is_aspect_ignored=is_aspect_ignored,
    )


def has_odd_colours(frame: av.VideoFrame) -> bool:
    """Tell whether the colour matrix or range is none that can be converted."""
    if frame.format.is_rgb:
        return False
    is_known = frame.colorspace in _CONVERTED_SPACES or frame.colorspace == _UNSPECIFIED
    return not is_known or frame.color_range not in _CONVERTED_RANGES


def to_rgb(
    frame: av.VideoFrame,
    shape: Shape,
    before: av.VideoFrame | None,
    after: av.VideoFrame | None,
) -> Image:
    """Convert a frame to what a viewer sees.

    Args:
        frame: The decoded frame.
        shape: Its size on screen.
        before: The frame before it, for deinterlacing.
        after: The frame after it, for deinterlacing.

    Returns:
        `(H, W, 3)` uint8 RGB, upright, with square pixels, C-contiguous.
    """
    picture = deinterlaced(frame, before, after) if frame.interlaced_frame else frame
    has_alpha = picture.format.has_palette or any(c.is_alpha for c in picture.format.components)
    pixels = _converted(picture, shape, "rgba" if has_alpha else "rgb24")
    if has_alpha:
        pixels = _over_black(pixels)
    return np.ascontiguousarray(shape.turn.apply(pixels))


def to_plain_rgb(frame: av.VideoFrame) -> npt.NDArray[np.uint8]:
    """Convert a frame as it is stored: `(H, W, 3)` uint8 RGB."""
    _set_usual_colours(frame)
    return _scaled(frame, frame.width, frame.height, "rgb24")


def _converted(frame: av.VideoFrame, shape: Shape, pixel_format: str) -> npt.NDArray[np.uint8]:
    _set_usual_colours(frame)
    if shape.crop is None:
        return _scaled(frame, shape.scaled_width, shape.scaled_height, pixel_format)
    # Cropped between conversion and scaling: chroma has no odd columns, and nothing of what is cut
    # off may bleed into the picture.
    whole = _scaled(frame, frame.width, frame.height, pixel_format)
    crop = shape.crop
    part = whole[crop.top : frame.height - crop.bottom, crop.left : frame.width - crop.right]
    if part.shape[1] == shape.scaled_width:
        return part
    cropped = av.VideoFrame.from_ndarray(np.ascontiguousarray(part), format=pixel_format)
    return _scaled(cropped, shape.scaled_width, shape.scaled_height, pixel_format)


def _scaled(
    frame: av.VideoFrame, width: int, height: int, pixel_format: str
) -> npt.NDArray[np.uint8]:
    converted = frame.reformat(
        width=width,
        height=height,
        format=pixel_format,
        interpolation=SCALING if width != frame.width else CONVERTING,
        threads=1,  # starting more for every frame costs as much as they save
    )
    pixels = converted.to_ndarray()
    assert pixels.dtype == np.uint8
    return pixels  # type: ignore[return-value]


def _set_usual_colours(frame: av.VideoFrame) -> None:
    """Replace colour tags that are missing or can't be converted by the usual ones."""
    if frame.format.is_rgb:
        if frame.colorspace != 0:
            frame.colorspace = 0
    elif frame.colorspace not in _CONVERTED_SPACES:
        # Source: mpv, mp_csp_guess_colorspace: high definition is BT.709, the rest BT.601.
        is_hd = frame.width >= 1280 or frame.height > 576
        frame.colorspace = _BT709 if is_hd else _BT601
    if frame.color_range not in _CONVERTED_RANGES:
        frame.color_range = 0


def _over_black(rgba: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    alpha = rgba[..., 3:]
    if alpha.min() == 255:
        return rgba[..., :3]
    mixed = (rgba[..., :3].astype(np.uint16) * alpha + 127) // 255
    return mixed.astype(np.uint8)


def deinterlaced(
    frame: av.VideoFrame, before: av.VideoFrame | None, after: av.VideoFrame | None
) -> av.VideoFrame:
    """Rebuild a full picture from an interlaced frame and its neighbours, by yadif.

    The frame itself is returned where the filter can't take it.
    """
    layout = (frame.width, frame.height, frame.format.name)
    sequence = [
        other
        for other in (before, frame, after)
        if other is not None and (other.width, other.height, other.format.name) == layout
    ]
    graph = Graph()
    graph.threads = 1
    try:
        source = graph.add_buffer(
            width=frame.width,
            height=frame.height,
            format=frame.format,
            time_base=Fraction(1, 1000),
        )
        graph.link_nodes(
            source,
            graph.add("yadif", "mode=send_frame:parity=auto:deint=interlaced"),
            graph.add("buffersink"),
        ).configure()
        index = sequence.index(frame)
        for time, picture in enumerate(sequence):
            original = picture.pts, picture.time_base
            picture.pts, picture.time_base = time, Fraction(1, 1000)
            graph.vpush(picture)
            picture.pts, picture.time_base = original
        graph.vpush(None)
        for _ in range(index):
            graph.vpull()
        return graph.vpull()
    except (FFmpegError, OSError, ValueError):
        return frame
