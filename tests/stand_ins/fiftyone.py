"""What the recipe uses of FiftyOne, with the same checks of what it is given.

Names and arguments are those of FiftyOne 1.22, with which the recipe was run.
"""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(kw_only=True)
class VideoMetadata:
    frame_width: int
    frame_height: int
    frame_rate: float
    duration: float
    total_frame_count: int


@dataclass
class Sample:
    filepath: str
    metadata: VideoMetadata | None = None
    fields: dict[str, object] = field(default_factory=dict)

    def __setitem__(self, name: str, value: object) -> None:
        self.fields[name] = value


@dataclass(kw_only=True)
class TemporalDetection:
    label: str
    confidence: float
    support: tuple[int, int]

    @classmethod
    def from_timestamps(cls, timestamps, *, sample: Sample, label: str, confidence: float):
        start, end = timestamps
        metadata = sample.metadata
        assert metadata is not None
        assert 0 <= start < end <= metadata.duration
        last = metadata.total_frame_count - 1
        frames = [1 + round(last * at / metadata.duration) for at in (start, end)]
        assert isinstance(label, str)
        assert 0 <= confidence <= 1
        return cls(label=label, confidence=confidence, support=(frames[0], frames[1]))


@dataclass(kw_only=True)
class TemporalDetections:
    detections: list[TemporalDetection]


class Dataset:
    def __init__(self, name: str, *, overwrite: bool) -> None:
        assert name
        assert overwrite
        self.samples: list[Sample] = []

    def add_samples(self, samples: list[Sample]) -> None:
        for sample in samples:
            assert Path(sample.filepath).is_file()
        self.samples += samples

    def count_values(self, path: str) -> dict[str, int]:
        name, *rest = path.split(".")
        assert rest == ["detections", "label"]
        counts: Counter[str] = Counter()
        for sample in self.samples:
            shown = sample.fields[name]
            assert isinstance(shown, TemporalDetections)
            counts.update(one.label for one in shown.detections)
        assert counts
        return dict(counts)
