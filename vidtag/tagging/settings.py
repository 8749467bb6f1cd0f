"""What is asked of every video: tags, windows, segments, which part."""

from dataclasses import dataclass, field
from fractions import Fraction
from typing import get_args

from vidtag.arguments import check_choice, check_kind, take_seconds, take_whole
from vidtag.timeline.scores import Average
from vidtag.timeline.segments import SegmentRule
from vidtag.video.options import Part


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What is asked of every video.

    Seconds may be given as any number; a float means what it prints.

    >>> Settings(window_seconds=2.5).window_seconds
    Fraction(5, 2)

    Raises:
        TypeError: A value is of the wrong type.
        ValueError: A value makes no sense.
    """

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

    read: Part = field(default_factory=Part)
    """Which part is read, and within which limits."""

    def __post_init__(self) -> None:
        take_whole(self, "top_k", least=1)
        for name in ("window_seconds", "stride_seconds"):
            value = take_seconds(self, name, may_be_none=True)
            if value is not None and value <= 0:
                raise ValueError(f"{name} must be more than 0, not {value}")
        check_choice("average", self.average, get_args(Average))
        check_kind("rule", self.rule, SegmentRule)
        check_kind("read", self.read, Part)
