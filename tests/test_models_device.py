"""Device, engine and precision: what is chosen, what is refused, and what is not imported."""

import importlib.util
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tiny_models import make_tiny_model

from vidtag.errors import ModelLoadError, ModelOptionError
from vidtag.models import device
from vidtag.models.device import Plan, choose, may_have_cuda
from vidtag.models.load import load_classifier
from vidtag.models.options import LoadOptions

Machine = Callable[..., None]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Pretend to be another machine."""

    def pretend(*, cuda: int = 0, mps: bool = False, bf16: bool = True) -> None:
        monkeypatch.setattr(device, "_count_cuda", lambda: cuda)
        monkeypatch.setattr(device, "_has_mps", lambda: mps)
        monkeypatch.setattr(device, "cpu_has_bf16", lambda: bf16)
        monkeypatch.setattr("torch.cuda.get_device_capability", lambda _: (8 if bf16 else 7, 0))

    return pretend


def plan(**wanted: str) -> Plan:
    auto = {"device": "auto", "engine": "auto", "precision": "auto"}
    return choose("m", **{**auto, **wanted})


def summary(plan: Plan) -> tuple[str, str, str]:
    return plan.device, plan.engine, plan.precision


@pytest.mark.parametrize(
    ("there", "wanted", "expected"),
    [
        ({}, {}, ("cpu", "openvino", "bf16")),
        ({"bf16": False}, {}, ("cpu", "openvino", "fp32")),
        ({}, {"engine": "torch"}, ("cpu", "torch", "bf16")),
        ({}, {"precision": "fp32"}, ("cpu", "openvino", "fp32")),
        ({"cuda": 2}, {}, ("cuda:0", "torch", "bf16")),
        ({"cuda": 2, "bf16": False}, {}, ("cuda:0", "torch", "fp16")),
        ({"cuda": 2}, {"device": "cuda:1", "precision": "fp16"}, ("cuda:1", "torch", "fp16")),
        ({"cuda": 2}, {"device": "cuda", "precision": "fp32"}, ("cuda:0", "torch", "fp32")),
        ({"cuda": 2}, {"device": "cpu"}, ("cpu", "openvino", "bf16")),
        ({"cuda": 2}, {"engine": "openvino"}, ("cpu", "openvino", "bf16")),
        ({"mps": True}, {}, ("mps", "torch", "fp32")),
        ({"mps": True}, {"precision": "fp16"}, ("mps", "torch", "fp16")),
    ],
)
def test_the_best_of_what_is_there_is_chosen(
    machine: Machine, there: dict[str, Any], wanted: dict[str, str], expected: tuple[str, str, str]
) -> None:
    machine(**there)
    assert summary(plan(**wanted)) == expected


@pytest.mark.parametrize(
    ("there", "wanted", "code", "hint"),
    [
        ({}, {"device": "gpu"}, "bad_device", "cuda:1"),
        ({}, {"device": "cuda:x"}, "bad_device", "cuda:1"),
        ({}, {"engine": "onnx"}, "bad_engine", "openvino"),
        ({}, {"precision": "int4"}, "bad_precision", "fp16"),
        ({}, {"precision": "int8", "engine": "torch"}, "bad_precision", "openvino"),
        ({"cuda": 1}, {"precision": "int8", "device": "cuda"}, "bad_precision", "--device"),
        ({"cuda": 1}, {"engine": "openvino", "device": "cuda"}, "bad_device", "CPU"),
        ({"mps": True}, {"engine": "openvino", "device": "mps"}, "bad_device", "CPU"),
        ({}, {"device": "cpu", "precision": "fp16"}, "bad_precision", "bf16"),
        ({"bf16": False}, {"precision": "bf16"}, "bad_precision", "fp32"),
        ({"bf16": False, "cuda": 1}, {"precision": "bf16"}, "bad_precision", "fp16"),
    ],
)
def test_what_does_not_go_together_is_wrong_usage(
    machine: Machine, there: dict[str, Any], wanted: dict[str, str], code: str, hint: str
) -> None:
    machine(**there)
    with pytest.raises(ModelOptionError) as caught:
        plan(**wanted)
    assert caught.value.code == code
    assert hint in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("there", "wanted"),
    [({}, "cuda"), ({}, "cuda:1"), ({"cuda": 1}, "cuda:1"), ({"cuda": 1}, "mps")],
)
def test_a_missing_device_is_never_replaced_in_silence(
    machine: Machine, there: dict[str, Any], wanted: str
) -> None:
    machine(**there)
    with pytest.raises(ModelLoadError, match="--device cpu") as caught:
        plan(device=wanted)
    assert caught.value.code == "missing_device"


def test_without_openvino_torch_runs_on_the_cpu(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine()
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "openvino" else real(name)
    )
    assert summary(plan()) == ("cpu", "torch", "bf16")
    with pytest.raises(ModelLoadError, match="pip install openvino") as caught:
        plan(engine="openvino")
    assert caught.value.code == "missing_package"


@pytest.mark.parametrize(
    ("version", "visible", "driver", "expected"),
    [
        ("2.13.0+cpu", None, True, False),
        ("2.13.0+cu130", None, True, True),
        ("2.13.0", None, True, True),
        ("2.13.0+cu130", None, False, False),
        ("2.13.0+cu130", "-1", True, False),
        ("2.13.0+cu130", "", True, False),
        ("2.13.0+cu130", "1", True, True),
        (None, None, True, False),
    ],
)
def test_a_gpu_is_looked_for_without_torch(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    version: str | None,
    visible: str | None,
    driver: bool,
    expected: bool,
) -> None:
    monkeypatch.setattr(device, "_torch_version", lambda: version)
    monkeypatch.setattr(device.sys, "platform", "linux")
    (tmp_path / "driver").touch()
    monkeypatch.setattr(device, "_NVIDIA_DRIVER", (str(tmp_path / ("driver" if driver else "no")),))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert may_have_cuda() == expected


def test_a_batch_size_below_one_is_wrong_usage(tmp_path: Path) -> None:
    folder = make_tiny_model(tmp_path)
    with pytest.raises(ModelOptionError) as caught:
        load_classifier(LoadOptions(model=str(folder), batch_size=0))
    assert caught.value.code == "bad_batch_size"


def test_openvino_reports_to_nobody() -> None:
    script = (
        "import sys\n"
        "from vidtag.models import openvino_engine\n"
        "print('openvino_telemetry' in sys.modules, 'torch' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False False"


@pytest.mark.parametrize(
    ("flags", "lacks"), [("avx2 fma", True), ("avx2 avx_vnni", False), ("amx_int8", False)]
)
def test_a_cpu_without_8_bit_products_is_told_by_its_flags(
    monkeypatch: pytest.MonkeyPatch, flags: str, lacks: bool
) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: f"flags : {flags}")
    assert device.cpu_lacks_int8() == lacks
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    assert not device.cpu_lacks_int8()
