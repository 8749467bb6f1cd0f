"""Maps from the inside of a VideoMAE: rollout, relevance, integrated gradients.

The attention of a whole VideoMAE-base is 12 layers of 12 heads of 1568 x 1568 weights: 1.4 GB,
and as much again for their gradients. None of that is ever held at once. The layers are gone
through from the last to the first. That is the order of the backward pass, and also the one in
which a row of relevance is folded into attention: `((v A_L) A_L-1) … A_1` needs one row at a
time, where the published `A_L … A_1` needs a matrix. Of the layer at hand, one head's attention
exists. Gradients hold the activations of one pass, 0.9 GB for VideoMAE-base: running each layer
again would cost half as much time more. No attention is among them: the fused kernel, which
transformers uses where it can, recomputes it in the backward pass.

VideoMAE has no class token: the published classifiers take the mean over all tokens that leave
the last layer. So relevance starts as the same share on each of these, and gradients flow through
the mean. The way that goes through no attention at all, only along residual connections, leaves
that same share on every token; it says nothing about where, and `relevance` leaves it out, as
the row of a class token does, which holds no other token before the first attention.

Knows transformers' VideoMAE, and no other architecture.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import sqrt
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from vidtag.explain.explanation import Method
from vidtag.models.torch_engine import PixelModel

TokenValues = npt.NDArray[np.float64]
"""`(tokens,)` raw values, of any sign and sum."""

_ROOT = sqrt(6)
NODES = ((4 - _ROOT) / 10, (4 + _ROOT) / 10, 1.0)
WEIGHTS = ((16 - _ROOT) / 36, (16 + _ROOT) / 36, 1 / 9)
"""Where gradients are taken on the way from an empty clip to the clip, and how they count: Radau's
rule, exact up to the fourth power. Its last node is the clip itself, whose gradient `relevance`
has as well. Eight nodes of Gauss and Legendre's rule gave maps that were not measurably better
(36 clips: 68 % of the oracle's mass in place of 71 %, deletion 0.090 in place of 0.095)."""


NEEDS_BACKWARD: tuple[Method, ...] = ("combined", "relevance")
"""Methods that call `VideoMaeReader.backward`."""


def normalise(network: PixelModel, clip: npt.NDArray[np.uint8]) -> Tensor:
    """Turn a clip into what the model takes: (T, S, S, 3) uint8 to (1, T, 3, S, S)."""
    pixels = torch.from_numpy(np.array(clip)).to(network.mean.device)
    pixels = pixels.permute(0, 3, 1, 2)[None].to(torch.float32)
    return ((pixels - network.mean) / network.std).to(network.dtype)


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerView:
    """One layer of one clip's pass, as much as the methods need of it."""

    attention: torch.nn.Module
    """transformers' self-attention module, for its projections and number of heads."""

    normed: Tensor
    """(tokens, width): what the attention takes."""

    context_gradient: Tensor | None
    """(tokens, width): the target's gradient by what the heads give, where it was asked for."""

    @property
    def num_heads(self) -> int:
        """Attention heads of the layer."""
        attention: Any = self.attention
        return int(attention.num_attention_heads)

    def heads(self) -> Iterator[tuple[Tensor, Tensor | None]]:
        """Recompute the attention of one head after the other, and its gradient.

        Yields:
            (tokens, tokens) attention, rows sum to 1, and the target's gradient by it.
        """
        attention: Any = self.attention
        count, size = self.num_heads, int(attention.attention_head_size)
        with torch.no_grad():
            queries, keys, values = (
                projection(self.normed).view(-1, count, size).transpose(0, 1)
                for projection in (attention.query, attention.key, attention.value)
            )
        gradients = None
        if self.context_gradient is not None:
            gradients = self.context_gradient.view(-1, count, size).transpose(0, 1)
        for head in range(count):
            with torch.no_grad():
                weights = torch.softmax(queries[head] @ keys[head].T * attention.scaling, dim=-1)
                # The head gives A V, so the gradient by A is the one by A V times V transposed.
                gradient = None if gradients is None else gradients[head] @ values[head].T
            yield weights, gradient


@dataclass(frozen=True, slots=True, kw_only=True)
class _LayerRun:
    """One layer's pass with its activations, by itself: gradients end at what entered it."""

    entering: Tensor
    """(1, tokens, width)"""

    normed: Tensor
    """(1, tokens, width): what its attention took."""

    context: Tensor
    """(1, tokens, width): what its heads gave."""

    leaving: Tensor
    """(1, tokens, width)"""


class VideoMaeReader:
    """One clip in one VideoMAE classifier, ready for its layers to be gone through backwards.

    Args:
        model: Transformers' `VideoMAEForVideoClassification`, in evaluation mode.
        embeddings: (1, tokens, width): what enters the first layer.
        for_gradients: Whether the pass keeps its activations, for one call of `backward`.
    """

    def __init__(self, model: Any, embeddings: Tensor, *, for_gradients: bool = False) -> None:
        self.model = model
        """The classifier that is read."""
        self.embeddings = embeddings
        """(1, tokens, width): what enters the first layer."""
        self.gradient: Tensor | None = None
        """Of the logit by `embeddings`, once `backward` went through all layers."""
        self._layers = list(model.videomae.encoder.layer)
        self._for_gradients = for_gradients
        self._runs: list[_LayerRun] = []

    @classmethod
    def of_clip(
        cls, network: PixelModel, clip: npt.NDArray[np.uint8], *, for_gradients: bool = False
    ) -> "VideoMaeReader":
        """Read a clip: (T, S, S, 3) uint8."""
        model: Any = network.model
        with torch.no_grad():
            embeddings = model.videomae.embeddings(normalise(network, clip), None)
        return cls(model, embeddings, for_gradients=for_gradients)

    @cached_property
    def states(self) -> tuple[Tensor, ...]:
        """What enters each layer, and what leaves the last: (1, tokens, width) each."""
        states = [self.embeddings]
        for layer in self._layers:
            if self._for_gradients:
                run = _run_layer(layer, states[-1])
                self._runs.append(run)
                states.append(run.leaving.detach())
            else:
                with torch.no_grad():
                    states.append(layer(states[-1]))
        return tuple(states)

    def logits(self) -> npt.NDArray[np.float32]:
        """Return what the classifier says: (num_labels,) float32."""
        with torch.no_grad():
            logits: npt.NDArray[np.float32] = (
                _logits(self.model, self.states[-1]).float().cpu().numpy()
            )
        return logits

    def pooling(self) -> Tensor:
        """Return each token's share in what the classifier is given: (tokens,), sums to 1.

        Without `use_mean_pooling`, transformers takes the first token alone.
        """
        tokens, device = self.embeddings.shape[1], self.embeddings.device
        if self.model.fc_norm is not None:
            return torch.full((tokens,), 1 / tokens, device=device)
        first = torch.zeros(tokens, device=device)
        first[0] = 1
        return first

    def backward(self, index: int) -> Iterator[LayerView]:
        """Go through the layers from the last to the first, with the gradient of one logit.

        Lets go of each layer's activations behind it, so it can be called once.
        """
        with torch.enable_grad():
            last = self.states[-1].detach().requires_grad_()
            (gradient,) = torch.autograd.grad(_logits(self.model, last)[index], last)
        for layer in reversed(self._layers):
            run = self._runs.pop()
            gradient, by_context = torch.autograd.grad(
                run.leaving, (run.entering, run.context), grad_outputs=gradient
            )
            yield LayerView(
                attention=layer.attention.attention,
                normed=run.normed.detach()[0],
                context_gradient=by_context[0],
            )
        self.gradient = gradient

    def layers(self) -> Iterator[LayerView]:
        """Go through the layers from the last to the first, without gradients."""
        for layer, state in zip(reversed(self._layers), reversed(self.states[:-1]), strict=True):
            with torch.no_grad():
                normed = layer.layernorm_before(state)[0]
            yield LayerView(
                attention=layer.attention.attention, normed=normed, context_gradient=None
            )


def _logits(model: Any, last: Tensor) -> Tensor:
    """Pool and classify what leaves the last layer, as transformers' forward pass does."""
    state = last if model.videomae.layernorm is None else model.videomae.layernorm(last)
    pooled = model.fc_norm(state.mean(1)) if model.fc_norm is not None else state[:, 0]
    logits: Tensor = model.classifier(pooled)[0]
    return logits


def _embedding_gradient(model: Any, embeddings: Tensor, index: int) -> Tensor:
    """Differentiate a logit by what enters the first layer: (1, tokens, width)."""
    with torch.enable_grad():
        entering = embeddings.detach().requires_grad_()
        state = entering
        for layer in model.videomae.encoder.layer:
            state = layer(state)
        (gradient,) = torch.autograd.grad(_logits(model, state)[index], entering)
    return gradient


def _run_layer(layer: Any, state: Tensor) -> _LayerRun:
    seen: list[tuple[Tensor, Tensor]] = []

    def keep(_module: torch.nn.Module, inputs: Any, outputs: Any) -> None:
        seen.append((inputs[0], outputs[0]))

    handle = layer.attention.attention.register_forward_hook(keep)
    try:
        with torch.enable_grad():
            entering = state.detach().requires_grad_()
            leaving = layer(entering)
    finally:
        handle.remove()
    normed, context = seen[0]
    return _LayerRun(entering=entering, normed=normed, context=context, leaving=leaving)


def rollout(reader: VideoMaeReader) -> TokenValues:
    """Follow attention from the pooled output back to the tokens of the input; knows no label.

    Source: Abnar and Zuidema 2020, "Quantifying attention flow in transformers", section 3: the
    mean over the heads, half of it replaced by the identity for the residual connection.
    """
    row = reader.pooling()
    for view in reader.layers():
        mixed = torch.zeros_like(row)
        for weights, _ in view.heads():
            mixed += row @ weights.float()
        row = row / 2 + mixed / view.num_heads / 2
    return row.double().cpu().numpy()


def relevance(reader: VideoMaeReader, index: int) -> TokenValues:
    """Follow attention back as far as it speaks for a label: weighted by its own gradient.

    Source: Chefer, Gur and Wolf 2021, "Generic attention-model explainability", equations 5
    and 6: R = R + E_h[(gradient of A * A)+] R over the layers, here for the pooled output's row,
    without the part of it that passed no attention (see above).
    """
    start = reader.pooling()
    row = start.clone()
    for view in reader.backward(index):
        added = torch.zeros_like(row)
        for weights, gradient in view.heads():
            assert gradient is not None  # backward() brings it
            added += row @ (weights * gradient).clamp_(min=0).float()
        row = row + added / view.num_heads
    return (row - start).double().cpu().numpy()


def integrated_gradients(
    reader: VideoMaeReader, empty: VideoMaeReader, index: int, at_clip: Tensor | None = None
) -> TokenValues:
    """Add up a logit's gradient on the way from an empty clip to the clip.

    The patch embedding is linear, so the straight way between two clips is a straight way
    between their embeddings, and a token's share is the sum over its embedding of difference
    times mean gradient: exactly the sum over its pixels. All shares together are the logit of
    the clip minus that of the empty one, but for the error of so few nodes.

    Source: Sundararajan, Taly and Yan 2017, "Axiomatic attribution for deep networks",
    equation 3, with `NODES` in place of even steps.

    Args:
        reader: The clip.
        empty: A clip that shows nothing.
        index: The label.
        at_clip: The gradient at the clip, where it is known.
    """
    way = reader.embeddings - empty.embeddings
    total = torch.zeros_like(way)
    for node, weight in zip(NODES, WEIGHTS, strict=True):
        if node == 1 and at_clip is not None:
            gradient = at_clip
        else:
            gradient = _embedding_gradient(reader.model, empty.embeddings + way * node, index)
        total += gradient * weight
    shares: TokenValues = (way * total)[0].sum(-1).double().cpu().numpy()
    return shares


def combined(reader: VideoMaeReader, empty: VideoMaeReader, index: int) -> TokenValues:
    """Take the mean of relevance and integrated gradients, each with the same mass.

    Relevance finds what the model needs, broadly; integrated gradients lie sharply on what is
    there. They go wrong in different ways, so their mean goes wrong less.

    Source: Rieger and Hansen 2020, "Aggregating explanation methods for stable and robust
    explainability": the mean of normalised maps.
    """
    attended = relevance(reader, index)
    shares = integrated_gradients(reader, empty, index, at_clip=reader.gradient)
    parts = [np.clip(values, 0, None) for values in (attended, shares)]
    return np.asarray(sum(part / max(part.sum(), 1e-30) for part in parts) / 2)


def explain(
    reader: VideoMaeReader, empty: VideoMaeReader, index: int, method: Method
) -> TokenValues:
    """Make a map by one of the methods that look inside the model.

    Args:
        reader: The clip.
        empty: A clip that shows nothing.
        index: The label.
        method: Any but `occlusion`.
    """
    if method == "rollout":
        return rollout(reader)
    if method == "relevance":
        return relevance(reader, index)
    if method == "integrated":
        return integrated_gradients(reader, empty, index)
    if method == "combined":
        return combined(reader, empty, index)
    raise ValueError(f"{method} does not look inside the model")
