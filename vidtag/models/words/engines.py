"""Video-text models on the engines: three parts that run, on torch or on OpenVINO.

Imports neither at its top.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from vidtag.clips.preparing import Preprocessing, prepare_with_pillow
from vidtag.models.classifier import ClassifierInfo, Clips, Features, Logits
from vidtag.models.config import ModelConfig
from vidtag.models.conversions import conversion_facts, find_converted, part_facts
from vidtag.models.deferred import Deferred
from vidtag.models.source import ModelFiles
from vidtag.models.words.background import Vectors
from vidtag.video.frames import Image

if TYPE_CHECKING:
    from vidtag.models.openvino_engine import OpenVINORunner

PARTS = ("video", "text", "match")
"""What a video-text model is split into."""

Tokens = npt.NDArray[np.int64]
"""`(1, L)` int64: one text as the model reads it."""


class Towers(Protocol):
    """A video-text model, ready to run."""

    def prepare(self, image: Image) -> npt.NDArray[np.uint8]:
        """Resize and crop one upright picture, and get ready for clips."""

    def video(self, clips: Clips) -> Features:
        """Map `(B, T, S, S, 3)` uint8 to what the match reads of a video: `(B, d)` float32."""

    def text(self, ids: Tokens) -> Vectors:
        """Map one text to the text space: `(1, D)` float32.

        One at a time: a text's bits do not depend on those beside it, so that it can be stored.
        """

    def match(self, texts: Vectors, features: Features) -> Logits:
        """Compare `(K, D)` texts with `(B, d)` videos: `(B, K)` float32."""


def load_torch_towers(
    files: ModelFiles, config: ModelConfig, preprocessing: Preprocessing, info: ClassifierInfo
) -> Towers:
    """Load a model on torch and split it.

    Raises:
        ModelLoadError: The model is unsound, or does not fit into the device's memory.
    """
    import torch

    from vidtag.models.torch_engine import DTYPES, TorchRunner, load_model, move_to_device
    from vidtag.models.words.towers import split

    class TorchTowers(TorchRunner):
        def __init__(self, parts: dict[str, torch.nn.Module]) -> None:
            super().__init__(preprocessing, info)
            self._parts = parts

        def video(self, clips: Clips) -> Features:
            return self._in_parts(clips, self._parts["video"], 0)

        def text(self, ids: Tokens) -> Vectors:
            return self._run("text", ids)

        def match(self, texts: Vectors, features: Features) -> Logits:
            return self._run("match", texts, features)

        def _run(self, part: str, *values: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
            with self._lock, torch.inference_mode(), self._exact():
                moved = [torch.from_numpy(value).to(self._device) for value in values]
                result: npt.NDArray[np.float32] = self._parts[part](*moved).float().cpu().numpy()
                return result

    dtype = DTYPES[info.precision]
    parts = split(load_model(files, config, dtype), config, preprocessing, dtype)
    for part in parts.values():
        move_to_device(part, files, info)
    return TorchTowers(parts)


def are_converted(facts: dict[str, str]) -> bool:
    """Tell whether all parts of a model were converted before."""
    return all(find_converted(part_facts(facts, part)) is not None for part in PARTS)


class OpenVINOTowers:
    """A video-text model on OpenVINO, whose parts are compiled when they are first wanted."""

    def __init__(
        self,
        load: Callable[[], "OpenVINORunner"],
        preprocessing: Preprocessing,
        info: ClassifierInfo,
    ) -> None:
        self._preprocessing = preprocessing
        self._runner = Deferred(load, info)
        self._warm = Deferred(self._warm_up, info)

    def _warm_up(self) -> None:
        self._runner.get().get_ready("video", "match")

    def prepare(self, image: Image) -> npt.NDArray[np.uint8]:
        """Resize and crop one upright picture with Pillow, and get ready for clips."""
        self._warm.start()
        return prepare_with_pillow(image, self._preprocessing)

    def video(self, clips: Clips) -> Features:
        """Run the video tower."""
        return self._runner.get().infer("video", clips)

    def text(self, ids: Tokens) -> Vectors:
        """Run the text tower."""
        return self._runner.get().infer("text", ids)

    def match(self, texts: Vectors, features: Features) -> Logits:
        """Run the match."""
        return self._runner.get().infer("match", texts, features)


def load_openvino_towers(
    files: ModelFiles,
    config: ModelConfig,
    preprocessing: Preprocessing,
    info: ClassifierInfo,
    *,
    is_converted: bool,
) -> Towers:
    """Take the converted parts from the cache, or convert them and keep them there.

    Parts that were converted before were found sound then: nothing is loaded before it is needed.

    Args:
        files: The model.
        config: What it is.
        preprocessing: What is left to do to uint8 pixels.
        info: What a result records.
        is_converted: What `are_converted` says of it.

    Raises:
        ModelLoadError: The model is unsound.
        RuntimeError: OpenVINO can't convert or compile it.
    """
    facts = conversion_facts(files, config, preprocessing)
    converted: dict[str, Any] = {}

    def convert(part: str) -> Any:
        if not converted:
            converted.update(convert_towers(files, config, preprocessing))
        return converted[part]

    def load() -> "OpenVINORunner":
        from vidtag.models.openvino_engine import OpenVINORunner, load_part

        def compiled(part: str) -> Any:
            # The text runs once, and the match makes differences of cosines large.
            precision = info.precision if part == "video" else "fp32"
            return load_part(part_facts(facts, part), precision, lambda: convert(part))

        return OpenVINORunner(compiled, preprocessing, info)

    if is_converted:
        return OpenVINOTowers(load, preprocessing, info)
    runner = load()
    runner.get_ready(*PARTS)
    converted.clear()
    return OpenVINOTowers(lambda: runner, preprocessing, info)


def convert_towers(
    files: ModelFiles, config: ModelConfig, preprocessing: Preprocessing
) -> dict[str, Any]:
    """Convert all parts of a model that is loaded once: `openvino.Model` by part.

    Windows, words and the length of a text are left open.
    """
    from vidtag.models.openvino_engine import import_torch, trace

    import_torch(files)
    import torch

    from vidtag.models.torch_engine import load_model, quiet
    from vidtag.models.words.towers import split

    size = preprocessing.image_size
    with quiet():
        parts = split(load_model(files, config), config, preprocessing, torch.float32)
        clips = torch.zeros((2, config.num_frames, size, size, 3), dtype=torch.uint8)
        ids = torch.ones((1, 5), dtype=torch.int64)
        with torch.inference_mode():
            texts, features = parts["text"](ids), parts["video"](clips)
        texts, features = texts.clone().expand(3, -1).contiguous(), features.clone()
        return {
            "video": trace(parts["video"], (clips,), [(-1, *clips.shape[1:])]),
            "text": trace(parts["text"], (ids,), [(1, -1)]),
            "match": trace(
                parts["match"],
                (texts, features),
                [(-1, texts.shape[1]), (-1, features.shape[1])],
            ),
        }
