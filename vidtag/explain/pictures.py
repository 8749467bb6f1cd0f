"""Pictures of an explanation: overlays, a contact sheet, an animation.

Owns colours, layout and the writing of PNG, GIF, WebP and MP4. Pillow draws, PyAV encodes MP4.
Knows no model.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
import numpy.typing as npt
from PIL import Image as Pictures
from PIL import ImageDraw, ImageFont

from vidtag.explain.explanation import Explanation
from vidtag.explain.occlusion import Clip
from vidtag.seconds import format_seconds

ANIMATION_SUFFIXES = (".mp4", ".gif", ".webp")
"""What an animation can be written as."""

Rgb = npt.NDArray[np.uint8]

_HEAT = (
    (0.0, (0, 0, 4)),
    (0.25, (87, 16, 110)),
    (0.5, (188, 55, 84)),
    (0.75, (249, 142, 9)),
    (1.0, (252, 255, 164)),
)
"""The inferno colours: brightness rises evenly, so they are read without telling red from green.
Source: Smith and van der Walt 2015, matplotlib's colormaps (CC0)."""

_STRIP_HEIGHT = 22
_CAPTION_HEIGHT = 20
_BACKGROUND = (17, 17, 20)
_TEXT = (235, 235, 235)
_BAR, _BAR_NOW = (120, 80, 40), (249, 142, 9)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ExplainedClip:
    """An explanation with the pictures that it is about."""

    explanation: Explanation
    """The map."""

    clip: Clip
    """The prepared frames: what the model was given."""

    @property
    def frame_seconds(self) -> Fraction:
        """How long one of its frames stands in the window."""
        explanation = self.explanation
        return (explanation.end_seconds - explanation.start_seconds) / len(self.clip)


def heat(values: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
    """Colour values from 0 to 1: (..., 3) float32 RGB from 0 to 255."""
    stops = [stop for stop, _ in _HEAT]
    channels = [
        np.interp(values, stops, [colour[channel] for _, colour in _HEAT]) for channel in range(3)
    ]
    return np.stack(channels, axis=-1).astype(np.float32)


def overlay(explained: ExplainedClip, size: int) -> Rgb:
    """Lay the map over the frames: grey where there is no evidence, glowing where there is.

    The brightest is the clip's own maximum, so that times can be compared within a window.
    Between the middles of the tokens the map is interpolated.

    Args:
        explained: The map with its frames.
        size: Height and width of the result, in pixels.

    Returns:
        (T, size, size, 3) uint8.
    """
    frames = resize(explained.clip, size).astype(np.float32)
    values = _smooth(explained.explanation, len(explained.clip), size)
    grey = frames.mean(axis=-1, keepdims=True)
    # Half the colour is kept, so that what is seen stays recognisable.
    calm = 0.85 * (0.5 * frames + 0.5 * grey)
    # A root shows weak evidence beside strong; the bars below the pictures are in proportion.
    shown = np.sqrt(values)
    strength = 0.85 * np.clip(1.3 * shown - 0.15, 0, 1)[..., None]
    mixed = calm * (1 - strength) + heat(0.3 + 0.7 * shown) * strength
    return np.asarray(np.clip(np.rint(mixed), 0, 255), np.uint8)


def resize(clip: Clip, size: int) -> Rgb:
    """Resize square frames: (T, size, size, 3) uint8."""
    if clip.shape[1] == size:
        return clip
    box = (size, size)
    return np.stack(
        [
            np.asarray(Pictures.fromarray(frame).resize(box, Pictures.Resampling.BICUBIC))
            for frame in clip
        ]
    )


def _smooth(explanation: Explanation, num_frames: int, size: int) -> npt.NDArray[np.float32]:
    """Interpolate a map to (num_frames, size, size) from 0 to 1, its maximum."""
    grid = explanation.grid
    covered = grid.shape[1] * grid.patch * size // grid.image_size
    scaled = explanation.evidence / max(float(explanation.evidence.max()), 1e-12)
    planes = np.zeros((grid.shape[0], size, size), np.float32)
    for plane, values in zip(planes, scaled, strict=True):
        picture = Pictures.fromarray(values.astype(np.float32))
        plane[:covered, :covered] = np.asarray(
            picture.resize((covered, covered), Pictures.Resampling.BILINEAR)
        )
    # A token's middle in time lies in the middle of its frames.
    places = (np.arange(num_frames) + 0.5) / grid.tubelet - 0.5
    before = np.clip(np.floor(places).astype(int), 0, grid.shape[0] - 1)
    after = np.clip(before + 1, 0, grid.shape[0] - 1)
    share = np.clip(places - before, 0, 1).astype(np.float32)[:, None, None]
    return np.asarray(planes[before] * (1 - share) + planes[after] * share)


def animate(explained: ExplainedClip, size: int, *, side_by_side: bool = True) -> Rgb:
    """Draw the frames of an animation.

    Above: the clip as the model got it, and the same with the map over it. Below: the label with
    its score and the time, and a strip of bars, one per token in time, as high as its evidence.

    Args:
        explained: The map with its frames.
        size: Height and width of one picture.
        side_by_side: Whether the bare clip is shown, too.

    Returns:
        (T, height, width, 3) uint8, height and width even.
    """
    marked = overlay(explained, size)
    shown = (
        np.concatenate([resize(explained.clip, size), marked], axis=2) if side_by_side else marked
    )
    width = shown.shape[2]
    height = size + _CAPTION_HEIGHT + _STRIP_HEIGHT
    frames = np.empty((len(shown), height + height % 2, width + width % 2, 3), np.uint8)
    for number, picture in enumerate(shown):
        canvas = Pictures.new("RGB", (frames.shape[2], frames.shape[1]), _BACKGROUND)
        canvas.paste(Pictures.fromarray(picture), (0, 0))
        draw = ImageDraw.Draw(canvas)
        seconds = explained.explanation.start_seconds + (number + Fraction(1, 2)) * (
            explained.frame_seconds
        )
        _caption(draw, explained.explanation, seconds, (width, size))
        now = min(number // explained.explanation.grid.tubelet, len(explained.explanation.evidence))
        _strip(draw, explained.explanation, (0, size + _CAPTION_HEIGHT, width), now)
        frames[number] = np.asarray(canvas)
    return frames


def _caption(
    draw: ImageDraw.ImageDraw, explanation: Explanation, seconds: Fraction, at: tuple[int, int]
) -> None:
    width, top = at
    font = ImageFont.load_default(12)
    time = format_seconds(Fraction(round(seconds * 10), 10))
    room = width - 12 - draw.textlength(time, font)
    text = _fit(draw, f"{explanation.label} {explanation.score:.2f}", font, room)
    draw.text((4, top + 3), text, _TEXT, font)
    draw.text((width - 4, top + 3), time, _TEXT, font, anchor="ra")


def _fit(
    draw: ImageDraw.ImageDraw,
    text: str,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    room: float,
) -> str:
    """Shorten a text until it fits."""
    if draw.textlength(text, font) <= room:
        return text
    while text and draw.textlength(f"{text}…", font) > room:
        text = text[:-1]
    return f"{text}…"


def _strip(
    draw: ImageDraw.ImageDraw,
    explanation: Explanation,
    box: tuple[int, int, int],
    now: int | None,
) -> None:
    """Draw the temporal profile as bars, that of the current moment bright."""
    left, top, width = box
    profile = explanation.temporal_profile
    highest = max(float(profile.max()), 1e-12)
    for number, share in enumerate(profile):
        x0 = left + width * number // len(profile)
        x1 = left + width * (number + 1) // len(profile) - 2
        height = max(1, round(float(share) / highest * (_STRIP_HEIGHT - 4)))
        bottom = top + _STRIP_HEIGHT - 2
        colour = _BAR_NOW if number == now or now is None else _BAR
        draw.rectangle((x0, bottom - height, max(x0, x1), bottom), fill=colour)


def draw_sheet(explained: Sequence[ExplainedClip], tile: int = 112, columns: int = 8) -> Rgb:
    """Draw a contact sheet: of every explanation, frames above and the map over them below.

    Args:
        explained: What to show, from top to bottom.
        tile: Height and width of one picture.
        columns: Pictures in a row, spread over the window.

    Returns:
        (height, width, 3) uint8.
    """
    parts = [_sheet_part(one, tile, columns) for one in explained]
    width = max(part.shape[1] for part in parts)
    padded = [np.pad(part, ((0, 0), (0, width - part.shape[1]), (0, 0))) for part in parts]
    return np.concatenate(padded)


def _sheet_part(explained: ExplainedClip, tile: int, columns: int) -> Rgb:
    explanation = explained.explanation
    chosen = np.unique((np.arange(columns) + 0.5) * len(explained.clip) // columns).astype(int)
    gap, head = 2, _CAPTION_HEIGHT + 2
    width = len(chosen) * (tile + gap) - gap
    canvas = Pictures.new("RGB", (width, head + 2 * (tile + gap) + _STRIP_HEIGHT + 8), _BACKGROUND)
    draw = ImageDraw.Draw(canvas)
    font = ImageFont.load_default(12)
    window = " to ".join(
        format_seconds(Fraction(round(seconds * 100), 100))
        for seconds in (explanation.start_seconds, explanation.end_seconds)
    )
    title = f"{explanation.label}  {explanation.score:.2f}   {window}   {explanation.method}"
    draw.text((4, 3), _fit(draw, title, font, width - 8), _TEXT, font)
    marked, plain = overlay(explained, tile), resize(explained.clip, tile)
    for column, number in enumerate(chosen):
        x = column * (tile + gap)
        canvas.paste(Pictures.fromarray(plain[number]), (x, head))
        canvas.paste(Pictures.fromarray(marked[number]), (x, head + tile + gap))
    _strip(draw, explanation, (0, head + 2 * (tile + gap), width), None)
    return np.asarray(canvas)


def encode_png(picture: Rgb) -> bytes:
    """Encode one picture as PNG."""
    out = io.BytesIO()
    Pictures.fromarray(picture).save(out, "PNG", optimize=True)
    return out.getvalue()


def encode_webp(frames: Rgb, frame_seconds: Fraction, quality: int = 45) -> bytes:
    """Encode an endless animated WebP: tens of kB for a clip of sixteen frames of 160 pixels."""
    out = io.BytesIO()
    first, *rest = [Pictures.fromarray(frame) for frame in frames]
    milliseconds = max(20, round(frame_seconds * 1000))
    first.save(
        out, "WEBP", save_all=True, append_images=rest, duration=milliseconds, loop=0,
        quality=quality, method=4,
    )  # fmt: skip
    return out.getvalue()


def encode_gif(frames: Rgb, frame_seconds: Fraction) -> bytes:
    """Encode an endless GIF, all frames with one palette."""
    out = io.BytesIO()
    spread = np.concatenate(list(frames[:: max(1, len(frames) // 8)]))
    palette = Pictures.fromarray(spread).quantize(255)
    first, *rest = [Pictures.fromarray(frame).quantize(palette=palette) for frame in frames]
    # GIF counts hundredths of a second, and browsers slow down what is faster than two of them.
    milliseconds = max(20, round(frame_seconds * 100) * 10)
    first.save(
        out, "GIF", save_all=True, append_images=rest, duration=milliseconds, loop=0, optimize=False
    )
    return out.getvalue()


def encode_mp4(frames: Rgb, frame_seconds: Fraction) -> bytes:
    """Encode H.264 in MP4, 4:2:0, so that everything plays it; height and width must be even."""
    out = io.BytesIO()
    rate = (1 / frame_seconds).limit_denominator(1001)
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=rate)
        stream.width, stream.height = frames.shape[2], frames.shape[1]
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": "20", "preset": "medium"}
        for number, picture in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            frame.pts, frame.time_base = number, 1 / rate
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return out.getvalue()


def encode_animation(explained: Sequence[ExplainedClip], suffix: str, size: int = 320) -> bytes:
    """Encode explanations one after the other as one animation.

    Args:
        explained: What to show, in this order.
        suffix: One of `ANIMATION_SUFFIXES`.
        size: Height and width of one picture.
    """
    frames = np.concatenate([animate(one, size) for one in explained])
    seconds = explained[0].frame_seconds
    if suffix == ".mp4":
        return encode_mp4(frames, seconds)
    if suffix == ".gif":
        return encode_gif(frames, seconds)
    if suffix == ".webp":
        return encode_webp(frames, seconds, quality=70)
    raise ValueError(f"no animation ends in {suffix!r}; {', '.join(ANIMATION_SUFFIXES)} do")


def embed(explained: ExplainedClip, size: int = 160) -> bytes:
    """Make a small animated WebP for a page: the map over the clip, tens of kB."""
    return encode_webp(overlay(explained, size), explained.frame_seconds)
