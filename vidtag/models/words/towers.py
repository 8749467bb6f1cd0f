"""A video-text model in three parts: what they are, and the parts themselves on torch.

The video goes through its tower once per window, which is the whole cost; a text once per set of
words; and the match once per window and set. Together they give the bits of transformers' own
forward pass. Imports torch: it is itself imported where a model is loaded or converted.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import torch

from vidtag.clips.preparing import Preprocessing
from vidtag.models.config import ModelConfig
from vidtag.models.torch_engine import Pixels


class XClipVideo(Pixels):
    """X-CLIP's video tower: `(B, T, H, W, 3)` uint8 to `(B, P + N * P)`.

    First the video's direction, P numbers; then what its N patches say to the words. Transformers'
    `get_video_features` leaves the latter out, and the words would not be read in their light.
    """

    def __init__(
        self, model: Any, config: ModelConfig, preprocessing: Preprocessing, dtype: torch.dtype
    ) -> None:
        super().__init__(preprocessing, dtype)
        self.model = model

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        """Run the tower."""
        model, batch, frames = self.model, clips.shape[0], clips.shape[1]
        video, hidden = self.see(model, self.normalised(clips))
        patches = model.prompts_visual_layernorm(hidden[:, 1:])
        patches = patches @ model.prompts_visual_projection
        patches = patches.view(batch, frames, -1, video.shape[-1]).mean(dim=1)
        return torch.cat([video, patches.float().flatten(1)], dim=1)

    @staticmethod
    def see(model: Any, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Give a video's direction, `(B, P)`, and what its frames' tokens are: `(B * T, 1 + N, d)`.

        Args:
            model: Transformers' `XCLIPModel`.
            pixels: `(B, T, 3, H, W)`.
        """
        seen = model.vision_model(pixel_values=pixels.reshape(-1, *pixels.shape[2:]))
        each = model.visual_projection(seen.pooler_output)
        video = model.mit(each.view(pixels.shape[0], pixels.shape[1], -1)).pooler_output
        video = video.float()  # the temperature makes differences of directions large
        return video / video.norm(p=2, dim=-1, keepdim=True), seen.last_hidden_state


class XClipText(torch.nn.Module):
    """X-CLIP's text tower: tokens `(1, L)` to a text `(1, P)`, not scaled to length 1."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.text_model = model.text_model
        self.text_projection = model.text_projection

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Run the tower."""
        out = self.text_model(input_ids=ids, attention_mask=torch.ones_like(ids))
        projected: torch.Tensor = self.text_projection(out.pooler_output)
        return projected


class XClipMatch(torch.nn.Module):
    """X-CLIP's match: texts `(K, P)` and videos `(B, P + N * P)` to logits `(B, K)`."""

    def __init__(self, model: Any, config: ModelConfig, dtype: torch.dtype) -> None:
        super().__init__()
        self.prompts_generator = model.prompts_generator
        self.logit_scale = model.logit_scale
        self.dtype = dtype

    def forward(self, texts: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
        """Read each text in the light of each video, and compare."""
        width = texts.shape[-1]
        video, patches = features[:, :width], features[:, width:]
        patches = patches.to(self.dtype).view(features.shape[0], -1, width)
        expanded = texts.to(self.dtype).unsqueeze(0).expand(features.shape[0], -1, -1)
        read = (expanded + self.prompts_generator(expanded, patches)).float()
        read = read / read.norm(p=2, dim=-1, keepdim=True)
        scaled = self.logit_scale.float().exp() * read
        return torch.einsum("bd,bkd->bk", video, scaled)


class PrismVideo(Pixels):
    """VideoPrism's video tower: `(B, T, H, W, 3)` uint8 to directions `(B, D)`."""

    def __init__(
        self, model: Any, config: ModelConfig, preprocessing: Preprocessing, dtype: torch.dtype
    ) -> None:
        super().__init__(preprocessing, dtype)
        self.video_model = model.video_model

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        """Run the tower."""
        return self.see(self, self.normalised(clips))

    @staticmethod
    def see(model: Any, pixels: torch.Tensor) -> torch.Tensor:
        """Give a video's direction, `(B, D)`.

        Args:
            model: What has `video_model`.
            pixels: `(B, T, 3, H, W)`.
        """
        video: torch.Tensor = model.video_model(pixel_values_videos=pixels).pooler_output
        return video.reshape(pixels.shape[0], -1)


class PrismText(torch.nn.Module):
    """VideoPrism's text tower: tokens `(1, L)` to a direction `(1, D)`."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.text_model = model.text_model

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Run the tower."""
        text: torch.Tensor = self.text_model(
            input_ids=ids, attention_mask=torch.ones_like(ids)
        ).pooler_output
        return text


class PrismMatch(torch.nn.Module):
    """VideoPrism's match: texts `(K, D)` and videos `(B, D)` to logits `(B, K)`.

    Not transformers' `logits_per_video`: that is a softmax over the videos of a batch.
    """

    def __init__(self, model: Any, config: ModelConfig, dtype: torch.dtype) -> None:
        super().__init__()
        temperature = config.kind.text.temperature if config.kind.text else None
        assert temperature is not None  # its weights hold none
        self.temperature = temperature

    def forward(self, texts: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
        """Compare."""
        return features @ texts.T / self.temperature


_PARTS: Mapping[str, tuple[Any, Any, Any]] = MappingProxyType(
    {
        "xclip": (XClipVideo, XClipText, XClipMatch),
        "videoprism": (PrismVideo, PrismText, PrismMatch),
    }
)


def split(
    model: Any, config: ModelConfig, preprocessing: Preprocessing, dtype: torch.dtype
) -> dict[str, torch.nn.Module]:
    """Split a loaded model into `video`, `text` and `match`."""
    video, text, match = _PARTS[config.architecture]
    return {
        "video": video(model, config, preprocessing, dtype).eval(),
        "text": text(model).eval(),
        "match": match(model, config, dtype).eval(),
    }
