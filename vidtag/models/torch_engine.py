"""Models on torch: loading and checking with transformers, and running on CPU, CUDA, MPS.

The only module that loads a model with transformers. It imports torch at its top, so it is
itself imported only where that engine is wanted or a model must be converted for another one.
"""

import os
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from vidtag.clips.preparing import Preprocessing, prepare_with_torch
from vidtag.models.classifier import ClassifierInfo, Clips, Features, Logits, check_logits
from vidtag.models.config import ModelConfig
from vidtag.models.fast import Lengths, Places
from vidtag.models.misfits import check_report, explain_load_failure
from vidtag.models.refusals import refuse, shortened
from vidtag.models.soundness import check_weights, is_out_of_memory
from vidtag.models.source import ModelFiles, check_unchanged
from vidtag.video.frames import Image

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
"""Precisions by the names that vidtag uses."""

_LOADING = threading.Lock()
"""Loading changes transformers' settings for a while, which are those of the whole process."""

if hasattr(os, "register_at_fork"):
    # GNU's OpenMP waits for ever for threads that a forked child has not; one thread needs none.
    # torch's own DataLoader does the same. Source: https://gcc.gnu.org/bugzilla/show_bug.cgi?id=58378
    os.register_at_fork(after_in_child=lambda: torch.set_num_threads(1))


class Pixels(torch.nn.Module):
    """What begins with uint8 clips: normalisation is part of it.

    Args:
        preprocessing: What is left to do to uint8 pixels.
        dtype: What follows computes in; the normalisation is always in float32.
    """

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, preprocessing: Preprocessing, dtype: torch.dtype) -> None:
        super().__init__()
        self.dtype = dtype
        mean, std = preprocessing.level_affine()
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32).view(3, 1, 1))
        self.register_buffer("std", torch.tensor(std, dtype=torch.float32).view(3, 1, 1))

    def normalised(self, clips: torch.Tensor) -> torch.Tensor:
        """Map `(B, T, H, W, 3)` uint8 to `(B, T, 3, H, W)`."""
        pixels = clips.permute(0, 1, 4, 2, 3).to(torch.float32)
        return ((pixels - self.mean) / self.std).to(self.dtype)


class PixelModel(Pixels):
    """A video classifier that takes uint8 clips.

    Args:
        model: Transformers' model.
        config: What the model takes.
        preprocessing: What is left to do to uint8 pixels.
        dtype: What the model computes in.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        config: ModelConfig,
        preprocessing: Preprocessing,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__(preprocessing, dtype)
        self.model = model
        self.input_name = config.kind.input_name
        self.head_name = config.kind.head

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        """Map `(B, T, H, W, 3)` uint8 to `(B, num_labels)`."""
        pixels = self.normalised(clips)
        logits: torch.Tensor = self.model(**{self.input_name: pixels}).logits
        # VideoPrism gives (B, 1, num_labels).
        return logits.reshape(logits.shape[0], -1)

    def features(self, clips: torch.Tensor) -> torch.Tensor:
        """Map `(B, T, H, W, 3)` uint8 to what the last layer reads: `(B, d)`."""
        taken: list[torch.Tensor] = []
        head = self.model.get_submodule(self.head_name)
        hook = head.register_forward_pre_hook(lambda _, inputs: taken.append(inputs[0]))
        try:
            self(clips)
        finally:
            hook.remove()
        return taken[0].reshape(len(clips), -1)

    def head(self, features: torch.Tensor) -> torch.Tensor:
        """Map `(B, d)` to `(B, num_labels)`."""
        logits: torch.Tensor = self.model.get_submodule(self.head_name)(features.to(self.dtype))
        return logits


@contextmanager
def quiet() -> Iterator[None]:
    """Silence transformers' progress bar, warnings and load report for a while."""
    from transformers.utils import logging

    level = logging.get_verbosity()
    bars = logging.is_progress_bar_enabled()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]


def sinusoid_table(num_positions: int, width: int) -> torch.Tensor:
    """Compute VideoMAE's position table, bit-identical to transformers' own.

    Theirs is a Python loop over every number and takes a second for VideoMAE-base.
    Source: https://github.com/huggingface/transformers/pull/46924
    """
    columns = np.arange(width)
    table = np.arange(num_positions)[:, None] / np.power(10000, 2 * (columns // 2) / width)[None]
    table[:, 0::2] = np.sin(table[:, 0::2])
    table[:, 1::2] = np.cos(table[:, 1::2])
    # from_numpy stays on the CPU also where transformers builds the rest on the meta device.
    return torch.from_numpy(table.astype(np.float32)).unsqueeze(0)


@contextmanager
def _fast_sinusoid(architecture: str) -> Iterator[None]:
    """Let VideoMAE build its position table quickly while a model loads."""
    if architecture != "videomae":
        yield
        return
    from transformers.models.videomae import modeling_videomae

    slow = modeling_videomae.get_sinusoid_encoding_table
    modeling_videomae.get_sinusoid_encoding_table = sinusoid_table
    try:
        yield
    finally:
        modeling_videomae.get_sinusoid_encoding_table = slow


def load_model(
    files: ModelFiles, config: ModelConfig, dtype: torch.dtype = torch.float32
) -> torch.nn.Module:
    """Load a classifier with transformers and check that nothing of it was made up.

    Raises:
        ModelLoadError: Missing, damaged or unfit weights, a missing head, too little memory.
    """
    check_weights(files, config)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of packages that transformers could use, and such
            with _LOADING, quiet(), _fast_sinusoid(config.architecture):
                model, report = _from_pretrained(files, config, dtype)
    except Exception as exc:
        raise explain_load_failure(files, config, exc) from exc
    check_unchanged(files)
    check_report(files, config, report)
    loaded: torch.nn.Module = model.eval().requires_grad_(False)  # nothing is trained here
    return loaded


def _from_pretrained(files: ModelFiles, config: ModelConfig, dtype: torch.dtype) -> tuple[Any, Any]:
    from transformers import AutoModel, AutoModelForVideoClassification

    # No auto class stands for models that compare videos with text.
    cls: Any = AutoModelForVideoClassification if config.kind.text is None else AutoModel
    if config.has_fitted_head:
        from vidtag.models.words.fitted import FITTED_CLASSES

        cls = FITTED_CLASSES[config.architecture]
    loaded: tuple[Any, Any] = cls.from_pretrained(
        files.folder,
        config=describe_to_transformers(config),
        dtype=dtype,
        attn_implementation=config.kind.attention,
        trust_remote_code=False,
        local_files_only=True,
        output_loading_info=True,
    )
    return loaded


def describe_to_transformers(config: ModelConfig) -> Any:
    """Make transformers' configuration from what shapes a model's numbers, and nothing else.

    A config.json may also name another file of weights, an attention implementation (even one
    to be downloaded), a quantisation, or what a forward pass returns: none of that is heeded.
    """
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    cls: Any = CONFIG_MAPPING[config.architecture]
    values = _own_values(cls, config.values)
    for name, part in cls.sub_configs.items():
        values[name] = _own_values(part, values.get(name) or {})
    return cls(**values, id2label=dict(enumerate(config.labels)))


def _own_values(cls: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    import dataclasses

    from transformers import PreTrainedConfig

    shared = {field.name for field in dataclasses.fields(PreTrainedConfig)}
    own = {field.name for field in dataclasses.fields(cls)} - shared
    own.add("qkv_bias")  # an older name that VideoMAE's class still takes
    return {key: value for key, value in values.items() if key in own}


def load_torch(
    files: ModelFiles, config: ModelConfig, preprocessing: Preprocessing, info: ClassifierInfo
) -> "TorchClassifier":
    """Load a model onto its device.

    Raises:
        ModelLoadError: The model is unsound, or does not fit into the device's memory.
    """
    dtype = DTYPES[info.precision]
    model = PixelModel(load_model(files, config, dtype), config, preprocessing, dtype)
    move_to_device(model, files, info)
    return TorchClassifier(model.eval(), config, preprocessing, info)


def move_to_device(model: torch.nn.Module, files: ModelFiles, info: ClassifierInfo) -> None:
    """Move a model to where it runs.

    Raises:
        ModelLoadError: It does not fit there.
    """
    try:
        _move(model, torch.device(info.device), DTYPES[info.precision])
    except (RuntimeError, AssertionError) as exc:
        code = "out_of_memory" if is_out_of_memory(exc) else "model_failed"
        raise refuse(
            files.name, code, f"it can't be moved to {info.device} ({shortened(exc)})"
        ) from exc


def _move(model: torch.nn.Module, device: torch.device, dtype: torch.dtype) -> None:
    model.to(device)
    for module in model.modules():
        # VideoMAE's table is no buffer, so it would be copied to the device for every batch.
        table = getattr(module, "position_embeddings", None)
        if isinstance(table, torch.Tensor) and not isinstance(table, torch.nn.Parameter):
            module.position_embeddings = table.to(device, dtype)


class TorchRunner:
    """What runs on torch: one batch at a time, in as many parts as the device's memory allows."""

    def __init__(self, preprocessing: Preprocessing, info: ClassifierInfo) -> None:
        self._preprocessing = preprocessing
        self._device = torch.device(info.device)
        self._info = info
        self._most = info.batch_size
        # One batch at a time: a device has room for one, and each run uses all cores.
        self._lock = threading.Lock()

    @property
    def most_windows(self) -> int:
        """Windows that fit into the device's memory at once, as far as is known."""
        return self._most

    def prepare(self, image: Image) -> npt.NDArray[np.uint8]:
        """Resize and crop one upright picture, bit-equal to the reference video processors."""
        return prepare_with_torch(image, self._preprocessing)

    def _in_parts(
        self,
        clips: Clips,
        run: Callable[..., torch.Tensor],
        width: int,
        *others: npt.NDArray[Any],
    ) -> npt.NDArray[np.float32]:
        """Run clips, with what else there is of each, in as many parts as memory allows.

        Of no clips, `(0, width)`.
        """
        parts: list[npt.NDArray[np.float32]] = []
        start = 0
        with self._lock:
            while start < len(clips):
                stretch = slice(start, start + self._most)
                batch = clips[stretch]
                part = self._try(run, batch, *(other[stretch] for other in others))
                if part is None:
                    self._most = len(batch) // 2
                    self._free()
                else:
                    parts.append(part)
                    start += len(batch)
        return np.concatenate(parts) if parts else np.empty((0, width), np.float32)

    def _try(
        self, run: Callable[..., torch.Tensor], clips: Clips, *others: npt.NDArray[Any]
    ) -> npt.NDArray[np.float32] | None:
        """Run one batch; `None` where memory was too small for it."""
        try:
            with torch.inference_mode(), self._exact():
                result = run(*map(self._send, (clips, *others)))
                logits: npt.NDArray[np.float32] = result.float().cpu().numpy()
                return logits
        # A model is other people's code: ValueError and KeyError are among what it raises.
        except Exception as exc:
            if not is_out_of_memory(exc):
                raise refuse(
                    self._info.model_id,
                    "model_failed",
                    f"it failed on {self._info.device} ({type(exc).__name__}: {shortened(exc)})",
                ) from exc
            if len(clips) == 1:
                raise refuse(
                    self._info.model_id,
                    "out_of_memory",
                    f"{self._info.device} has too little memory for one window; "
                    "try --device cpu or a smaller model",
                ) from exc
            return None

    def _send(self, values: npt.NDArray[Any]) -> torch.Tensor:
        """Move values to the device; pixels as uint8, a quarter of what floats take."""
        pixels = torch.from_numpy(np.require(values, requirements=["C", "W"]))
        if self._device.type == "cuda":
            return pixels.pin_memory().to(self._device, non_blocking=True)
        return pixels.to(self._device)

    def _exact(self) -> AbstractContextManager[None]:
        """Let CUDA convolve repeatably and in full float32 (TF32 is its default)."""
        if self._device.type != "cuda":
            return nullcontext()
        flags: AbstractContextManager[None] = torch.backends.cudnn.flags(
            enabled=True, benchmark=False, deterministic=True, allow_tf32=False
        )
        return flags

    def _free(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
        elif self._device.type == "mps":
            torch.mps.empty_cache()


class TorchClassifier(TorchRunner):
    """A model on torch that fulfils `Classifier`."""

    def __init__(
        self,
        model: PixelModel,
        config: ModelConfig,
        preprocessing: Preprocessing,
        info: ClassifierInfo,
    ) -> None:
        super().__init__(preprocessing, info)
        self._model = model
        self._config = config
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
        """Run the model on `(B, T, S, S, 3)` uint8 clips.

        Where the device's memory is too small the batch is halved, and stays so.
        """
        logits = self._in_parts(clips, self._model, len(self._labels))
        return check_logits(logits, (len(clips), len(self._labels)), self._info)

    def features(self, clips: Clips) -> Features:
        """Run the model up to its last layer; the batch is halved as for `logits`."""
        return self._in_parts(clips, self._model.features, 0)

    def some_tokens(self, clips: Clips, index: Places, lengths: Lengths) -> npt.NDArray[np.float32]:
        """Run some of the tokens (`fast.Sparse`); the batch is halved as for `logits`."""
        from vidtag.models.run_lengths import RunLengthModel

        whole = self._model
        model = RunLengthModel(whole.model, self._config, self._preprocessing, whole.dtype)
        model.to(self._device)
        return self._in_parts(clips, model, 0, index, lengths)

    def head(self, features: Features) -> Logits:
        """Run the last layer on `(B, d)` float32 features."""
        with self._lock, torch.inference_mode(), self._exact():
            result = self._model.head(torch.from_numpy(features).to(self._device))
            logits: Logits = result.float().cpu().numpy()
        return check_logits(logits, (len(features), len(self._labels)), self._info)
