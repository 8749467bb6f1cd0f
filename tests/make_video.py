"""Tiny videos for tests: every frame carries its index, every corner its colour.

A frame is drawn as a viewer sees it: coloured corners (top left red, top right green, bottom
left blue, bottom right yellow) and, in the middle, its index as 16 black and white cells in
two rows. `make_video` stores it so that, played rightly, it looks like that again; `read_index`
reads the index back from a picture, `read_corners` the corners.
"""

import functools
import os
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.video.frame import PictureType

Image = npt.NDArray[np.uint8]

CORNERS = {"top_left": "red", "top_right": "green", "bottom_left": "blue", "bottom_right": "yellow"}
_COLOURS = {
    "red": (230, 20, 20),
    "green": (20, 200, 20),
    "blue": (20, 20, 230),
    "yellow": (230, 220, 20),
}
_GREY = 110


def draw_index(index: int, size: tuple[int, int] = (160, 120)) -> Image:
    """Draw the frame with an index, as a viewer sees it: `(H, W, 3)` uint8 RGB."""
    width, height = size
    image = np.full((height, width, 3), _GREY, np.uint8)
    h, w = height // 4, width // 5
    image[:h, :w] = _COLOURS["red"]
    image[:h, -w:] = _COLOURS["green"]
    image[-h:, :w] = _COLOURS["blue"]
    image[-h:, -w:] = _COLOURS["yellow"]
    for bit in range(16):
        rows, columns = _cell(bit, width, height)
        image[rows, columns] = 255 if index >> (15 - bit) & 1 else 0
    return image


def read_index(rgb: npt.NDArray[np.generic]) -> int:
    """Read the index from an upright picture."""
    height, width = rgb.shape[:2]
    index = 0
    for bit in range(16):
        rows, columns = _cell(bit, width, height)
        cell = rgb[rows, columns].astype(np.float64)
        h, w = max(1, cell.shape[0] // 4), max(1, cell.shape[1] // 4)
        middle = cell[h : cell.shape[0] - h or None, w : cell.shape[1] - w or None]
        index = index * 2 + int(middle.mean() > 127)
    return index


def read_corners(rgb: npt.NDArray[np.generic]) -> dict[str, str]:
    """Name the colours of a picture's corners; equal to `CORNERS` where it is upright."""
    height, width = rgb.shape[:2]
    h, w = max(1, height // 8), max(1, width // 10)
    patches = {
        "top_left": rgb[:h, :w],
        "top_right": rgb[:h, -w:],
        "bottom_left": rgb[-h:, :w],
        "bottom_right": rgb[-h:, -w:],
    }
    return {name: _colour(patch.reshape(-1, 3).mean(0)) for name, patch in patches.items()}


def _at_usual_priority(write: Callable[..., Path]) -> Callable[..., Path]:
    """Take back what SVT-AV1 does to the calling thread: for root, it makes it a real-time one.

    All threads and processes started later would inherit that, and starve what runs beside them.
    """

    @functools.wraps(write)
    def wrapper(path: str | Path, **recipe: object) -> Path:
        try:
            return write(path, **recipe)
        finally:
            if recipe.get("codec") == "libsvtav1" and hasattr(os, "sched_setscheduler"):
                os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))

    return wrapper


@_at_usual_priority
def make_video(
    path: str | Path,
    *,
    num_frames: int = 30,
    fps: float | Fraction = 25,
    size: tuple[int, int] = (160, 120),
    pts: Sequence[int] | None = None,
    time_base: Fraction | None = None,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    container: str | None = None,
    rotation: int = 0,
    matrix: Sequence[int] | None = None,
    sar: Fraction | None = None,
    interlaced: bool = False,
    audio_seconds: float = 0,
    colours: dict[str, int] | None = None,
    draw: Callable[[int], Image] | None = None,
    timecode: str | None = None,
) -> Path:
    """Write a video whose frames are drawn by `draw_index` (or by `draw`).

    Args:
        path: Where to; its suffix names the container unless `container` does.
        num_frames: Frames, with indices from 0.
        fps: Frames per second.
        size: Width and height as a viewer sees them (before `sar`: width is that of the file).
        pts: Presentation timestamps in `time_base`, one per frame; they may be in any order
            that the container takes.
        time_base: Seconds per tick of `pts`.
        codec: FFmpeg's name of the encoder.
        pix_fmt: Pixel format of the encoder.
        options: The encoder's.
        container_options: The container's.
        container: FFmpeg's name of the container.
        rotation: Clockwise degrees by which players turn the stored picture.
        matrix: The nine numbers of a display matrix, instead of `rotation`.
        sar: Sample aspect ratio.
        interlaced: Weave fields: frame i shows index 2i in its upper lines, 2i+1 in its lower.
        audio_seconds: Add silence that starts at 0.
        colours: Tags of the stream: `colorspace`, `color_range`, `color_trc`,
            `color_primaries` (numbers as FFmpeg counts them). The pixels are converted to fit.
        draw: Frame index → picture, as stored.
        timecode: The file's own time of its first picture, where the container keeps one.

    Returns:
        `path`.
    """
    path = Path(path)
    rate = Fraction(fps).limit_denominator(100_000)
    with av.open(
        str(path), "w", format=container, container_options=container_options or {}
    ) as output:
        encoder_options = {"preset": "ultrafast"} if codec in {"libx264", "libx265"} else {}
        if codec == "libx265":
            # With B frames, x265 in FFmpeg 8.1 now and then gives a first frame that is to be
            # decoded after it is shown, which muxers refuse.
            encoder_options["x265-params"] = "log-level=none:bframes=0"
        stream = output.add_stream(codec, rate=rate, options=encoder_options | (options or {}))
        turned = rotation % 180 != 0
        stream.width, stream.height = size[::-1] if turned else size
        stream.pix_fmt = pix_fmt
        tick = time_base or 1 / rate
        stream.time_base = tick
        stream.codec_context.time_base = tick
        if sar is not None:
            stream.codec_context.sample_aspect_ratio = sar
        for name, value in (colours or {}).items():
            setattr(stream.codec_context, name, value)
        if timecode is not None:
            stream.metadata["timecode"] = timecode
        if matrix is not None:
            stream.set_display_matrix(list(matrix))
        elif rotation:
            stream.set_display_rotation(-rotation)
        if interlaced:
            stream.codec_context.options = {**(options or {}), "flags": "+ildct+ilme"}
        audio = _add_silence(output, audio_seconds) if audio_seconds else None
        for index in range(num_frames):
            image = _image(index, size, draw, interlaced=interlaced)
            if turned or rotation:
                image = np.ascontiguousarray(np.rot90(image, rotation // 90))
            frame = _encodable(image, pix_fmt, colours or {})
            frame.pts = index if pts is None else pts[index]
            frame.time_base = tick
            frame.pict_type = PictureType.NONE
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
        if audio is not None:
            _write_silence(output, audio, audio_seconds)
    return path


def _image(
    index: int,
    size: tuple[int, int],
    draw: Callable[[int], Image] | None,
    *,
    interlaced: bool,
) -> Image:
    def picture(number: int) -> Image:
        return draw_index(number, size) if draw is None else draw(number)

    if not interlaced:
        return picture(index)
    woven = picture(2 * index).copy()
    woven[1::2] = picture(2 * index + 1)[1::2]
    return woven


def _encodable(image: Image, pix_fmt: str, colours: dict[str, int]) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(image, format="rgb24" if image.shape[2] == 3 else "rgba")
    if frame.format.name != pix_fmt:
        frame = frame.reformat(
            format=pix_fmt,
            dst_colorspace=colours.get("colorspace"),
            dst_color_range=colours.get("color_range"),
        )
    for name, value in colours.items():
        setattr(frame, name, value)
    return frame


def _add_silence(output: av.container.OutputContainer, seconds: float) -> av.AudioStream:
    return output.add_stream("aac", rate=8000, layout="mono")


def _write_silence(
    output: av.container.OutputContainer, stream: av.AudioStream, seconds: float
) -> None:
    for start in range(0, int(seconds * 8000), 1024):
        frame = av.AudioFrame.from_ndarray(
            np.zeros((1, 1024), np.float32), format="fltp", layout="mono"
        )
        frame.sample_rate = 8000
        frame.pts = start
        output.mux(stream.encode(frame))
    output.mux(stream.encode(None))


def _cell(bit: int, width: int, height: int) -> tuple[slice, slice]:
    """Where the cell of a bit lies: two rows of eight across the middle of the picture."""
    row, column = divmod(bit, 8)
    top, bottom = (height * (3 + row) // 8, height * (4 + row) // 8)
    left, right = (width * (1 + column) // 10, width * (2 + column) // 10)
    return slice(top, max(bottom, top + 1)), slice(left, max(right, left + 1))


def _colour(pixel: npt.NDArray[np.float64]) -> str:
    strong = tuple(bool(value > 0.55 * pixel.max()) for value in pixel)
    names = {
        (True, False, False): "red",
        (False, True, False): "green",
        (False, False, True): "blue",
        (True, True, False): "yellow",
    }
    return names.get(strong, "none")
