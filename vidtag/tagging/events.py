"""What the reading thread tells the scoring one of a video, in this order."""

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from vidtag.clips.windows import Window
from vidtag.errors import VidtagError
from vidtag.video.frames import Notice, VideoInfo

if TYPE_CHECKING:
    from vidtag.tagging.recall import Recall


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Opened:
    """A video was opened; its windows follow."""

    declared_seconds: Fraction | None
    """How long its header says that it is."""

    recall: "Recall"
    """What earlier runs left of it, and where this one keeps its scores."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WindowRead:
    """A window came, and this is what was known of the video by then."""

    window: Window
    info: VideoInfo
    notices: tuple[Notice, ...]
    decode_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StoredScores:
    """The scores of a finished run."""

    bounds: tuple[tuple[Fraction, Fraction], ...]
    """Start and end of each window."""

    rows: npt.NDArray[np.float32]
    """`(num_windows, row_size)` float32: logits, or the features that they are made of."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReadResult:
    """What reading a video told, besides its windows; the last of its events."""

    info: VideoInfo
    notices: tuple[Notice, ...]
    end_seconds: Fraction
    """Where the part that was read ends."""

    content_id: str | None
    """Hash of the file's content; `None` where it can't be told."""

    decode_seconds: float
    """Spent in reading, decoding and preparing."""

    stored: StoredScores | None = None
    """All windows of the video, of a finished run that was found; they stand for those that
    were not read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """Nothing more comes of this video."""

    error: VidtagError
    """Why."""


class Stopped:
    """The consumer wanted no more of this video."""


VideoEvent = Opened | WindowRead | ReadResult | Failed | Stopped

ONGOING = (Opened, WindowRead)
"""Events after which more come of the same video; each other one is the last."""
