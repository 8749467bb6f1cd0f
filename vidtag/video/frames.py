"""A decoded picture with its time, and what is known of the video that it comes from.

Owns time: everything is exact (`Fraction` seconds since the first presented frame) until
it is printed. Knows neither FFmpeg nor models.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
"""An upright picture with square pixels: `(H, W, 3)` uint8 RGB, C-contiguous."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Frame:
    """One decoded picture with its time.

    Converting a picture to RGB costs as much as decoding it, so it is done when asked for:
    only sampled frames are ever converted.
    """

    seconds: Fraction
    """When the picture comes on screen, in seconds since the first presented frame."""

    duration_seconds: Fraction | None
    """How long it stays, where the container says so."""

    to_rgb: Callable[[], Image]
    """Convert to what a viewer sees: upright, square pixels, `(H, W, 3)` uint8 RGB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something odd about a video that changed what was done."""

    code: str
    """Stable snake_case word, listed in the README."""

    message: str
    """One sentence for a person, with the figures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoInfo:
    """What is known of a video; complete only after its frames were read."""

    path: str
    """The input as the user named it, without credentials."""

    size_bytes: int | None
    """Size of the file; `None` for streams."""

    container: str
    """FFmpeg's short name of the container format, such as `mp4` or `matroska`."""

    codec: str
    """FFmpeg's name of the codec, such as `h264`."""

    width: int
    """Of the picture that a viewer sees (rotation and sample aspect ratio applied)."""

    height: int
    """Of the picture that a viewer sees."""

    rotation_degrees: int
    """Clockwise rotation that was applied to show the picture upright: 0, 90, 180, 270."""

    frame_rate: float | None
    """Mean frames per second, from timestamps; `None` for a single frame."""

    is_variable_frame_rate: bool
    """Whether the gaps between frames differ by more than rounding and jitter explain."""

    duration_seconds: Fraction
    """Last frame's time plus its own length; the declared one where the end was not read."""

    num_frames: int
    """Frames that were decoded."""

    num_failed_packets: int
    """Packets that the decoder refused."""

    timecode: str | None
    """The file's own time of its first picture, as `10:00:00:00`; with `;` before the frames where
    frames are dropped from the count. `None` where it tells none."""

    sound_rate: int | None
    """Samples per second of the first sound track; `None` where there is no sound."""

    sound_channels: int | None
    """Channels of the first sound track; `None` where there is no sound."""
