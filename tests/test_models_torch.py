"""The torch engine: memory that runs out, devices, and output that is none."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_models import ARCHITECTURES, make_tiny_model, preprocessor_values

from vidtag.clips.processors import parse_preprocessing
from vidtag.errors import ModelError
from vidtag.models.classifier import ClassifierInfo
from vidtag.models.config import ModelConfig
from vidtag.models.load import load_classifier
from vidtag.models.options import LoadOptions
from vidtag.models.torch_engine import TorchClassifier

LABELS = ("run", "sit", "wave")


class FakeModel(torch.nn.Module):
    """Takes so many windows at once; its logits are the clip's mean and two constants."""

    def __init__(self, most: int, error: str | None = None) -> None:
        super().__init__()
        self.most = most
        self.error = error
        self.batches: list[int] = []
        self.result: Any = None

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        self.batches.append(len(clips))
        if len(clips) > self.most:
            raise RuntimeError(self.error) if self.error else torch.OutOfMemoryError("no memory")
        if self.result is not None:
            return torch.as_tensor(self.result)
        mean = clips.float().mean(dim=(1, 2, 3, 4))
        return torch.stack([mean, torch.zeros_like(mean), torch.ones_like(mean)], dim=1)


def classifier_of(model: torch.nn.Module, batch_size: int = 8) -> TorchClassifier:
    info = ClassifierInfo(
        model_id="fake",
        revision=None,
        num_frames=2,
        image_size=4,
        licence=None,
        window_seconds=Fraction(2),
        stride_seconds=Fraction(1),
        engine="torch",
        device="cpu",
        precision="fp32",
        batch_size=batch_size,
    )
    config = ModelConfig(
        architecture="videomae", num_frames=2, image_size=4, labels=LABELS, values={}
    )
    _, values = preprocessor_values("videomae", 4)
    return TorchClassifier(
        model, config, parse_preprocessing(values, "VideoMAEImageProcessor"), info
    )


def clips(count: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    levels = np.arange(count, dtype=np.uint8)[:, None, None, None, None]
    return np.broadcast_to(levels, (count, 2, 4, 4, 3))


@pytest.mark.parametrize(
    "error", [None, "MPS backend out of memory", "DefaultCPUAllocator: can't allocate memory: 9"]
)
def test_batches_halve_when_memory_runs_out_and_stay_so(error: str | None) -> None:
    model = FakeModel(most=3, error=error)
    classifier = classifier_of(model)
    assert classifier.logits(clips(8))[:, 0].tolist() == [0, 1, 2, 3, 4, 5, 6, 7]
    assert model.batches == [8, 4, 2, 2, 2, 2]
    assert classifier.most_windows == 2
    model.batches.clear()
    assert classifier.logits(clips(5)).shape == (5, 3)
    assert model.batches == [2, 2, 1]


def test_too_little_memory_for_one_window_is_an_error() -> None:
    with pytest.raises(ModelError, match="--device cpu") as caught:
        classifier_of(FakeModel(most=0)).logits(clips(4))
    assert caught.value.code == "out_of_memory"


def test_another_failure_is_one_line() -> None:
    with pytest.raises(ModelError, match="device-side assert") as caught:
        classifier_of(FakeModel(most=0, error="device-side assert\nmore")).logits(clips(1))
    assert caught.value.code == "model_failed"
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "result", [[[1.0, 2.0]], [[1.0, 2.0, float("nan")]], [[1.0, 2.0, float("inf")]]]
)
def test_output_that_is_none_is_refused(result: list[list[float]]) -> None:
    model = FakeModel(most=8)
    model.result = result
    with pytest.raises(ModelError) as caught:
        classifier_of(model).logits(clips(1))
    assert caught.value.code == "bad_logits"


def test_no_clips_give_no_logits() -> None:
    assert classifier_of(FakeModel(most=8)).logits(clips(0)).shape == (0, 3)


@pytest.mark.gpu
@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize(("precision", "tolerance"), [("fp32", 1e-4), ("auto", 0.05)])
def test_cuda_agrees_with_the_cpu(
    tmp_path: Path, architecture: str, precision: str, tolerance: float
) -> None:
    folder = make_tiny_model(tmp_path, architecture)
    shape = (3, {"videomae": 16, "vivit": 32}.get(architecture, 8), 32, 32, 3)
    batch = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    cpu = load_classifier(
        LoadOptions(model=str(folder), device="cpu", engine="torch", precision="fp32")
    )
    gpu = load_classifier(LoadOptions(model=str(folder), device="auto", precision=precision))
    assert gpu.info.device == "cuda:0"
    assert gpu.info.engine == "torch"
    expected = cpu.logits(batch)
    logits = gpu.logits(batch)
    assert np.abs(logits - expected).max() < tolerance * max(1.0, float(expected.std()))
    assert (gpu.logits(batch) == logits).all(), "the same input, the same bytes"


@pytest.mark.gpu
def test_real_cuda_memory_runs_out_and_halves(tmp_path: Path) -> None:
    folder = make_tiny_model(tmp_path)
    classifier = load_classifier(LoadOptions(model=str(folder), device="cuda", batch_size=64))
    assert isinstance(classifier, TorchClassifier)
    batch = np.zeros((64, 16, 32, 32, 3), np.uint8)
    free, total = torch.cuda.mem_get_info()
    expected = classifier.logits(batch[:1])
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + 2**23) / total)
    try:
        logits = classifier.logits(batch)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert classifier.most_windows < 64
    np.testing.assert_allclose(logits, np.repeat(expected, 64, 0), rtol=0.02, atol=0.02)
    assert free > 0
