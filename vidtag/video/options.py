"""How much of a video is read, and within which limits."""

from dataclasses import dataclass
from fractions import Fraction

from vidtag.arguments import check_kind, take_number, take_seconds, take_whole

MAX_PIXELS = 35_651_584
"""The most pixels that one picture may have, unless an option says otherwise.

Source: the largest picture of the highest levels of H.264, HEVC, VP9 and AV1 (level 6.2),
8192x4352. A larger one is a decompression bomb or a photograph.
"""

TIMEOUT_SECONDS = 10.0
"""How long a server may be silent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What to read of a video.

    Raises:
        TypeError: A value is of the wrong type.
        ValueError: A value makes no sense.
    """

    start: Fraction = Fraction(0)
    """Seconds since the first presented frame."""

    end: Fraction | None = None
    """Seconds since the first presented frame, exclusive; `None` reads to the end."""

    max_pixels: int = MAX_PIXELS
    """Larger pictures are refused before memory is taken for them."""

    timeout_seconds: float = TIMEOUT_SECONDS
    """For URLs: how long a server may be silent."""

    network: bool = True
    """Whether URLs may be opened."""

    def __post_init__(self) -> None:
        take_seconds(self, "start")
        take_seconds(self, "end", may_be_none=True)
        if self.start < 0:
            raise ValueError(f"start must not be negative, not {self.start}")
        if self.end is not None and self.end <= self.start:
            raise ValueError(f"end must come after start ({self.start}), not at {self.end}")
        take_whole(self, "max_pixels", least=1)
        if take_number(self, "timeout_seconds") <= 0:
            raise ValueError(f"timeout_seconds must be positive, not {self.timeout_seconds}")
        check_kind("network", self.network, bool)


ReadOptions = Part
"""The name that 0.1.0 gave it."""
