"""From a classifier, a clip and a label to an explanation, by any of the methods.

Owns what each method needs of a model, and the refusal where a model lacks it. torch is
imported where a method needs gradients or attention, and nowhere else.
"""

from difflib import get_close_matches
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from vidtag.errors import UsageError
from vidtag.explain.explanation import Explanation, Method, TokenGrid, as_evidence
from vidtag.explain.occlusion import Clip, mean_colour, occlusion
from vidtag.models.classifier import Classifier, Logits
from vidtag.models.refusals import mismatch
from vidtag.models.trained import TrainedClassifier
from vidtag.models.words.classifier import WordClassifier
from vidtag.timeline.scores import softmax

if TYPE_CHECKING:
    from vidtag.models.torch_engine import PixelModel

DEFAULT_METHOD: Method = "combined"
"""The best of the methods by `tests/benchmarks/explain_maps.py`."""

NEEDS_TORCH: tuple[Method, ...] = ("combined", "relevance", "integrated", "rollout")
"""Methods that look inside the model; the others only ask it."""

_USUAL_TUBELET, _USUAL_PATCH = 2, 16
"""Of VideoMAE, ViViT and V-JEPA 2, and good boxes for models without tokens."""


def find_label(labels: "tuple[str, ...] | list[str]", wanted: str, model: str) -> int:
    """Find a label's place in the model's outputs; capitals and outer spaces do not matter.

    Raises:
        UsageError: The model has no such label.
    """
    text = wanted.strip().casefold()
    folded = [label.casefold() for label in labels]
    if text in folded:
        return folded.index(text)
    close = get_close_matches(text, folded, n=3)
    hint = (
        "did you mean " + " or ".join(repr(labels[folded.index(name)]) for name in close) + "?"
        if close
        else f"vidtag labels -m {model} lists its labels."
    )
    raise UsageError(f"The model '{model}' has no label '{wanted}'; {hint}")


def explain_window(
    classifier: Classifier,
    clip: Clip,
    index: int | None = None,
    method: Method = DEFAULT_METHOD,
    window: tuple[Fraction, Fraction] | None = None,
) -> Explanation:
    """Tell where in a clip and when the evidence for a label lies.

    - `relevance`: attention weighted by its gradient (Chefer et al. 2021).
    - `integrated`: integrated gradients of the label's logit from a clip of one colour to this
      one (Sundararajan et al. 2017), as far as they speak for the label.
    - `combined`: the mean of these two (Rieger and Hansen 2020).
    - `rollout`: attention alone (Abnar and Zuidema 2020); the same for every label.
    - `occlusion`: the fall of the label's score where parts are covered (Zeiler and Fergus
      2014); slow, but it works with any model.

    All but the last look inside a VideoMAE on torch. How its mean-pooled output is handled is
    told in `vidtag.explain.videomae`.

    Args:
        classifier: The model.
        clip: (T, S, S, 3) uint8: the window's prepared frames.
        index: The label's place in the model's outputs; the clip's best one where `None`.
        method: How the map is made.
        window: Where it begins and ends, in the time of the video; where `None`, as if it were
            the video's first.

    Raises:
        ModelMismatchError: The method can't look inside this model.
    """
    info = classifier.info
    shape = (info.num_frames, info.image_size, info.image_size, 3)
    if clip.shape != shape or clip.dtype != np.uint8:
        raise ValueError(f"the clip must be {shape} uint8, not {clip.shape} {clip.dtype}")
    if index is not None and not 0 <= index < len(classifier.labels):
        raise ValueError(f"there are {len(classifier.labels)} labels, and none is number {index}")
    start, end = window or (Fraction(0), info.window_seconds)
    grid = token_grid(classifier)
    if method == "occlusion":
        logits = classifier.logits(clip[None])[0]
        index = best_label(logits, classifier) if index is None else index
        values = occlusion(classifier, clip, index, grid)
    else:
        from vidtag.explain import videomae

        network = _videomae(classifier, method)
        reader = videomae.VideoMaeReader.of_clip(
            network, clip, for_gradients=method in videomae.NEEDS_BACKWARD
        )
        logits = reader.logits() / classifier.info.temperature
        index = best_label(logits, classifier) if index is None else index
        empty = videomae.VideoMaeReader.of_clip(
            network, np.broadcast_to(mean_colour(clip), clip.shape)
        )
        values = videomae.explain(reader, empty, index, method).reshape(grid.shape)
    return Explanation(
        method=method,
        label=classifier.labels[index],
        index=index,
        score=float(softmax(logits)[index]),
        start_seconds=start,
        end_seconds=end,
        evidence=as_evidence(values),
        grid=grid,
    )


def best_label(logits: Logits, classifier: Classifier) -> int:
    """Find the best label of a window; what given labels compete with is none."""
    return int(logits[: len(classifier.labels)].argmax())


def token_grid(classifier: Classifier) -> TokenGrid:
    """Return the tokens of a model, or for one without any, boxes like those of the others."""
    info = classifier.info
    tubelet, patch = _USUAL_TUBELET, _USUAL_PATCH
    network = torch_network(classifier)
    if network is not None and _architecture(network) == "videomae":
        config: Any = network.model.config
        tubelet, patch = int(config.tubelet_size), int(config.patch_size)
    tubelet, patch = min(tubelet, info.num_frames), min(patch, info.image_size)
    return TokenGrid(
        num_frames=info.num_frames, image_size=info.image_size, tubelet=tubelet, patch=patch
    )


def torch_network(classifier: Classifier) -> "PixelModel | None":
    """Return what vidtag's torch engine runs, or `None` for any other classifier."""
    # A torch engine can only be there if it was imported; then the import costs nothing.
    if classifier.info.engine != "torch":
        return None
    from vidtag.models.torch_engine import PixelModel, TorchClassifier

    if isinstance(classifier, TrainedClassifier):
        return torch_network(classifier.engine)
    if not isinstance(classifier, TorchClassifier):
        return None
    network = classifier._model
    return network if isinstance(network, PixelModel) else None


def _architecture(network: "PixelModel") -> str:
    config: Any = getattr(network.model, "config", None)
    return str(getattr(config, "model_type", "unknown"))


def why_not_inside(method: Method) -> str:
    """Say that a method can't look inside a model that reads text."""
    return (
        f"--method {method} can look inside VideoMAE, but not inside a model that reads text; try "
        "--method occlusion"
    )


def _videomae(classifier: Classifier, method: Method) -> "PixelModel":
    info = classifier.info
    network = torch_network(classifier)
    if isinstance(classifier, WordClassifier):
        raise mismatch(info.model_id, "not_explainable", why_not_inside(method))
    if network is None:
        raise mismatch(
            info.model_id,
            "not_explainable",
            f"--method {method} must look inside the model, which the engine {info.engine} does "
            "not allow; try --engine torch or --method occlusion.",
        )
    architecture = _architecture(network)
    if architecture != "videomae":
        raise mismatch(
            info.model_id,
            "not_explainable",
            f"--method {method} can look inside VideoMAE, but not inside {architecture}; try "
            "--method occlusion.",
        )
    return network
