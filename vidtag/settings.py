"""What is asked of every video: tags, windows, segments, which part."""

from dataclasses import dataclass, field
from fractions import Fraction

from vidtag.scores import Average
from vidtag.timeline import SegmentRule
from vidtag.video.options import ReadOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What is asked of every video."""

    top_k: int = 5
    """Tags per step and for the video."""

    window_seconds: Fraction | None = None
    """Length of a window; the model's own where `None`."""

    stride_seconds: Fraction | None = None
    """Time between windows; the model's own, or half of a given window, where `None`."""

    average: Average = "logits"
    """How windows are averaged."""

    rule: SegmentRule = field(default_factory=SegmentRule)
    """When a label opens, holds and closes."""

    read: ReadOptions = field(default_factory=ReadOptions)
    """Which part is read, and within which limits."""

    def __post_init__(self) -> None:
        if self.top_k < 1:
            raise ValueError(f"top_k must be at least 1, not {self.top_k}")
        for name in ("window_seconds", "stride_seconds"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise ValueError(f"{name} must be more than 0, not {value}")
