"""A video transformer on some of its tokens, each weighted by how many it stands for.

A token that stands for n equal ones takes part in attention as those n would: the logarithm of n is
added to its attention logits, which is what n equal keys make of a softmax. In a mean over tokens
it counts n times. With all tokens and lengths of 1 the result is the model's own.

Source of the weights: Bolya et al. 2023, "Token Merging: Your ViT But Faster" (arXiv 2210.09461),
section 3.2, proportional attention; there for merged tokens, here for still ones.

Knows transformers' VideoMAE and ViViT, whose layers take any number of tokens.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
from torch import Tensor
from transformers import AttentionInterface

from vidtag.models.torch_engine import PixelModel

_ATTENTION = "vidtag_run_lengths"

_BIAS: ContextVar[Tensor] = ContextVar("run_lengths")
"""`(B, 1, 1, n)`: what is added to the attention logits of each key, while a pass runs."""


def _attend(
    _module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    _mask: Tensor | None,
    *,
    scaling: float | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """Attend as transformers' `sdpa` does, with the bias of the pass."""
    attended = torch.nn.functional.scaled_dot_product_attention(
        query, key, value, attn_mask=_BIAS.get().to(query.dtype), scale=scaling
    )
    return attended.transpose(1, 2).contiguous(), None


AttentionInterface.register(_ATTENTION, _attend)


class RunLengthModel(PixelModel):
    """A classifier that computes the tokens that it is told to.

    Transformers' model may be shared with one that runs it whole.
    """

    @property
    def _is_vivit(self) -> bool:
        model: Any = self.model
        return bool(model.config.model_type == "vivit")

    def forward(self, clips: Tensor, index: Tensor, lengths: Tensor) -> Tensor:  # type: ignore[override]
        """Run some tokens of clips.

        Args:
            clips: `(B, T, H, W, 3)` uint8.
            index: `(B, n)` int64: places of the tokens.
            lengths: `(B, n)` float32: how many each stands for; 0 for one that only fills up.

        Returns:
            `(B, num_labels + d)`: logits, and behind them what the last layer read.
        """
        model: Any = self.model
        tokens = self._embed(clips)
        tokens = tokens.gather(1, index[..., None].expand(-1, -1, tokens.shape[-1]))
        with self._biased(lengths.log()[:, None, None, :]):
            for layer in self._layers():
                tokens = layer(tokens)
        features = self._pool(tokens, lengths)
        return torch.cat([model.classifier(features), features], dim=1).float()

    def _embed(self, clips: Tensor) -> Tensor:
        model: Any = self.model
        pixels = self.normalised(clips)
        if self._is_vivit:
            embedded: Tensor = model.vivit.embeddings(pixels)
        else:
            embedded = model.videomae.embeddings(pixels, None)
        return embedded

    def _layers(self) -> Any:
        model: Any = self.model
        return model.vivit.layers if self._is_vivit else model.videomae.encoder.layer

    def _pool(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """Give what the last layer reads: `(B, d)`."""
        model: Any = self.model
        if self._is_vivit:
            class_token: Tensor = model.vivit.layernorm(tokens)[:, 0]
            return class_token
        if model.videomae.layernorm is not None:
            tokens = model.videomae.layernorm(tokens)
        if model.fc_norm is None:
            return tokens[:, 0]
        shares = (lengths / lengths.sum(1, keepdim=True)).to(tokens.dtype)
        pooled: Tensor = model.fc_norm((tokens * shares[..., None]).sum(1))
        return pooled

    @contextmanager
    def _biased(self, bias: Tensor) -> Iterator[None]:
        """Let the model's attention add a bias, which its own passes must not."""
        model: Any = self.model
        # A layer reads the name of its attention from the configuration that all of them share.
        own = model.config._attn_implementation
        token = _BIAS.set(bias)
        model.config._attn_implementation = _ATTENTION
        try:
            yield
        finally:
            model.config._attn_implementation = own
            _BIAS.reset(token)
