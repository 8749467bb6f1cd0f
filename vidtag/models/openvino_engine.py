"""Models on OpenVINO: converted from torch once, then run on the CPU without torch.

The only module that imports OpenVINO. Conversion needs torch and transformers; they are
imported for that alone, and a later run finds the converted model in the cache.
"""

import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from vidtag.clips.preparing import Preprocessing, prepare_with_pillow
from vidtag.errors import VidtagError
from vidtag.models.classifier import ClassifierInfo, Clips, Features, Logits, check_logits
from vidtag.models.config import ModelConfig
from vidtag.models.conversions import (
    MODEL_FILE,
    conversion_facts,
    discard_converted,
    find_converted,
    int8_facts,
    keep_converted,
    part_facts,
    why_not_kept,
)
from vidtag.models.fast import Lengths, Places
from vidtag.models.refusals import refuse, shortened
from vidtag.models.source import ModelFiles
from vidtag.video.frames import Image

if TYPE_CHECKING:
    import torch


@contextmanager
def _no_telemetry() -> Iterator[None]:
    """Keep `import openvino` from reporting to Google Analytics.

    It does so unless its user has opted out, through the package openvino_telemetry; where
    that can't be imported OpenVINO takes its own stub. `None` in `sys.modules` is Python's
    way to say that a module can't be imported.
    """
    name = "openvino_telemetry"
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[name]


with _no_telemetry():
    import openvino  # type: ignore[import-untyped]

_PRECISIONS = {"fp32": openvino.Type.f32, "bf16": openvino.Type.bf16}
"""OpenVINO's precisions by the names that vidtag uses."""


def has_bf16() -> bool:
    """Tell whether OpenVINO computes in bf16 on this CPU."""
    return "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def load_openvino(
    files: ModelFiles,
    config: ModelConfig,
    preprocessing: Preprocessing,
    info: ClassifierInfo,
    parts: Sequence[str] = ("whole",),
) -> "OpenVINOClassifier":
    """Take the converted model from the cache, or convert it and keep it there.

    Args:
        files: The model.
        config: What it takes.
        preprocessing: What is left to do to uint8 pixels.
        info: What a result records.
        parts: What is loaded at once; other parts are when they are first wanted.

    Raises:
        ModelLoadError: The model is unsound (see `torch_engine.load_model`).
        RuntimeError: OpenVINO can't convert or compile it.
    """

    def load(part: str) -> Any:
        facts = part_facts(conversion_facts(files, config, preprocessing), part)
        if info.precision == "int8" and part in QUANTISED_PARTS:
            path = find_converted(int8_facts(facts))
            if path is not None:
                return _compile(openvino.Core(), path, _floating(info.precision))
            raise refuse(
                files.name,
                "not_calibrated",
                "what was calibrated is not there any more; calibrate it again",
            )
        precision = _floating(info.precision)
        return load_part(facts, precision, lambda: convert(files, config, preprocessing, part))

    classifier = OpenVINOClassifier(load, config, preprocessing, info)
    classifier.get_ready(*parts)
    return classifier


QUANTISED_PARTS = ("whole", "some_tokens")
"""What is quantised of a model; the rest is for those who ask for features."""


def _floating(precision: str) -> str:
    """Give what is computed in floating point: all of it, or what int8 leaves."""
    if precision != "int8":
        return precision
    return "bf16" if has_bf16() else "fp32"


def load_part(facts: dict[str, str], precision: str, convert: Callable[[], Any]) -> Any:
    """Compile a converted model from the cache, or convert it and keep it there.

    Args:
        facts: Everything that shapes it.
        precision: What it computes in.
        convert: Makes an `openvino.Model`.
    """
    core = openvino.Core()
    path = find_converted(facts)
    if path is not None:
        try:
            return _compile(core, path, precision)
        except RuntimeError:
            discard_converted(facts)  # whole by its hash, but no model that OpenVINO reads
    return _keep_and_compile(core, convert(), facts, precision)


def _keep_and_compile(core: Any, model: Any, facts: dict[str, str], precision: str) -> Any:
    """Compile a model from the file that it was written to.

    A model that was not written and read again differs from one that was in the last bits of
    its logits (4e-7), and a first run must equal the second. So where the cache takes no
    files a temporary folder has to do, and memory alone is the last resort.
    """

    def save(place: Path) -> None:
        openvino.save_model(model, str(place), compress_to_fp16=False)

    path = keep_converted(facts, save)
    if path is not None:
        return _compile(core, path, precision)
    try:
        with TemporaryDirectory(prefix="vidtag-", ignore_cleanup_errors=True) as folder:
            save(Path(folder) / MODEL_FILE)
            return _compile(core, Path(folder) / MODEL_FILE, precision)
    except (OSError, RuntimeError):
        return _compile(core, model, precision)


def convert(
    files: ModelFiles, config: ModelConfig, preprocessing: Preprocessing, part: str = "whole"
) -> Any:
    """Convert a model with its normalisation: `(B, T, S, S, 3)` uint8 in, float32 logits out.

    Its parts are converted apart, for those who ask for features: the features, `(B, d)` float32,
    and the head, which makes logits of them. The whole stays one graph, and its bits the same. What
    runs on some of the tokens of one clip (`some_tokens`) takes their places and lengths, too, any
    number of them: one graph for all.

    The number of windows is left open: measured on VideoMAE-base it costs nothing, and the
    first pass over a batch needs no second model.

    Returns:
        An `openvino.Model`.

    Raises:
        ModelLoadError: The model is unsound, or torch is not there.
    """
    import_torch(files)
    import torch

    from vidtag.models.torch_engine import PixelModel, load_model, quiet

    size = preprocessing.image_size
    shape = (1, config.num_frames, size, size, 3)
    model = load_model(files, config)
    wrapped: torch.nn.Module = PixelModel(model, config, preprocessing).eval()
    example = torch.zeros(shape, dtype=torch.uint8)
    if part == "head":
        wrapped = model.get_submodule(config.kind.head)
        # Of a linear layer; VideoPrism's, TimeSformer's and the others' are.
        example = torch.zeros((1, cast("torch.nn.Linear", wrapped).in_features))
    elif part == "features":
        model.set_submodule(config.kind.head, torch.nn.Identity())
    elif part == "some_tokens":
        from vidtag.models.run_lengths import RunLengthModel

        wrapped = RunLengthModel(model, config, preprocessing).eval()
        index = torch.arange(2, dtype=torch.int64)[None]
        with quiet():
            return trace(wrapped, (example, index, torch.ones((1, 2))), [shape, (1, -1), (1, -1)])
    with quiet():
        return trace(wrapped, (example,), [(-1, *example.shape[1:])])


def import_torch(files: ModelFiles) -> None:
    """Import what converts a model.

    Raises:
        ModelLoadError: It is not installed.
    """
    try:
        import vidtag.models.torch_engine  # noqa: F401
    except ImportError as exc:
        raise refuse(
            files.name,
            "missing_package",
            f"it was not converted for OpenVINO yet, which takes torch and transformers "
            f"({shortened(exc, 80)}); `pip install torch transformers`: once converted, it runs "
            "without them",
        ) from exc


def trace(
    module: "torch.nn.Module",
    examples: "tuple[torch.Tensor, ...]",
    shapes: Sequence[tuple[int, ...]],
) -> Any:
    """Convert a module as it runs on examples: an `openvino.Model`.

    Args:
        module: What to convert.
        examples: Its arguments.
        shapes: Those of its inputs, with -1 where any length may come.
    """
    import torch

    # Tracing warns of every Python `if` on a shape; those that are not left open are fixed here.
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # check_trace would run the model four times more.
        traced = torch.jit.trace(  # type: ignore[no-untyped-call]
            module, examples, check_trace=False, strict=False
        )
        return openvino.convert_model(traced, example_input=examples, input=list(shapes))


def _compile(core: Any, model: Any, precision: str) -> Any:
    """Compile for the CPU; the same bytes in give the same bytes out.

    Raises:
        RuntimeError: OpenVINO cannot, or not in this precision.
    """
    compiled = core.compile_model(
        str(model) if isinstance(model, Path) else model,
        "CPU",
        {
            "INFERENCE_PRECISION_HINT": _PRECISIONS[precision],
            # All cores work on one batch; the timeline is in order anyway.
            "PERFORMANCE_HINT": "LATENCY",
        },
    )
    # A precision that the CPU lacks is a hint that OpenVINO passes over in silence.
    if compiled.get_property("INFERENCE_PRECISION_HINT") != _PRECISIONS[precision]:
        raise RuntimeError(f"it does not compute in {precision} on this CPU")
    return compiled


class OpenVINORunner:
    """What runs on OpenVINO: parts of a model, each compiled when it is first wanted.

    Args:
        load: Gives a part, compiled.
        preprocessing: How pictures are prepared.
        info: What a result records of the model.
    """

    def __init__(
        self, load: Callable[[str], Any], preprocessing: Preprocessing, info: ClassifierInfo
    ) -> None:
        self._load = load
        self._requests: dict[str, Any] = {}
        # All cores work on one request, so a second one would gain nothing but take memory.
        self._lock = threading.Lock()
        self._preprocessing = preprocessing
        self._info = info

    def prepare(self, image: Image) -> npt.NDArray[np.uint8]:
        """Resize and crop one upright picture with Pillow, at most one level from torch."""
        return prepare_with_pillow(image, self._preprocessing)

    def get_ready(self, *parts: str) -> None:
        """Load parts before they are wanted."""
        with self._lock:
            for part in parts:
                self._request(part)

    def _request(self, part: str) -> Any:
        """Return the request that runs a part; the lock is held."""
        if part not in self._requests:
            self._requests[part] = self._load(part).create_infer_request()
        return self._requests[part]

    def infer(self, part: str, *values: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Run a part on its inputs, and return its only output.

        Raises:
            ModelLoadError: It failed.
        """
        try:
            with self._lock:
                request = self._request(part)
                inputs = [np.ascontiguousarray(value) for value in values]
                result = request.infer(inputs, share_inputs=True)
                return np.array(result[0], dtype=np.float32)
        except VidtagError:
            raise
        # Its classes of errors are many, and none of them is a mistake of vidtag's.
        except Exception as exc:
            raise refuse(
                self._info.model_id,
                "model_failed",
                f"OpenVINO failed while it ran ({shortened(exc)}); try --engine torch",
            ) from exc


class OpenVINOClassifier(OpenVINORunner):
    """A model on OpenVINO that fulfils `Classifier`."""

    def __init__(
        self,
        load: Callable[[str], Any],
        config: ModelConfig,
        preprocessing: Preprocessing,
        info: ClassifierInfo,
    ) -> None:
        super().__init__(load, preprocessing, info)
        self._labels = config.labels

    @property
    def labels(self) -> Sequence[str]:
        """Names of the classes, in the order of the logits."""
        return self._labels

    @property
    def info(self) -> ClassifierInfo:
        """What the result records."""
        return self._info

    def logits(self, clips: Clips) -> Logits:
        """Run the model on `(B, T, S, S, 3)` uint8 clips."""
        logits = self.infer("whole", clips)
        return check_logits(logits, (len(clips), len(self._labels)), self._info)

    def features(self, clips: Clips) -> Features:
        """Run the model up to its last layer, which is converted for that the first time."""
        return self.infer("features", clips)

    def some_tokens(self, clips: Clips, index: Places, lengths: Lengths) -> npt.NDArray[np.float32]:
        """Run some of the tokens (`fast.Sparse`), one clip after the other."""
        rows = [
            self.infer("some_tokens", clips[k : k + 1], index[k : k + 1], lengths[k : k + 1])
            for k in range(len(clips))
        ]
        return np.concatenate(rows)

    def head(self, features: Features) -> Logits:
        """Run the last layer on `(B, d)` float32 features."""
        logits = self.infer("head", features)
        return check_logits(logits, (len(features), len(self._labels)), self._info)


def keep_quantised(
    files: ModelFiles,
    config: ModelConfig,
    preprocessing: Preprocessing,
    samples: Mapping[str, Sequence[Sequence[npt.NDArray[Any]]]],
    notes: Mapping[str, Any],
) -> None:
    """Quantise parts of a model and keep them beside the converted ones.

    Args:
        files: The model.
        config: What it takes.
        preprocessing: What is left to do to uint8 pixels.
        samples: By part, its inputs, of one window each.
        notes: What it was made from.

    Raises:
        ModelLoadError: It can't be quantised, or what came of it can't be kept.
    """
    from vidtag.models.int8 import quantise

    core = openvino.Core()
    facts = conversion_facts(files, config, preprocessing)
    for part, given in samples.items():
        own = part_facts(facts, part)
        path = find_converted(own)
        model = (
            convert(files, config, preprocessing, part)
            if path is None
            else core.read_model(str(path))
        )
        quantised = quantise(model, given, files.name)

        def save(place: Path, quantised: Any = quantised) -> None:
            openvino.save_model(quantised, str(place), compress_to_fp16=False)

        discard_converted(int8_facts(own))  # of an earlier calibration
        if keep_converted(int8_facts(own), save, notes) is None:
            raise refuse(
                files.name,
                "not_calibrated",
                f"what was calibrated can't be kept ({why_not_kept() or 'the cache lost it'}); "
                "VIDTAG_CACHE_DIR can name another folder",
            )
