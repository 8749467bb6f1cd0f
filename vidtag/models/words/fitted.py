"""Video-text models with a last layer in the place of the text: what `vidtag train` makes of them.

Transformers has no class for them. These read its own checkpoints, with `classifier.weight` and
`classifier.bias` beside what the model has; transformers loads the same folder as the video-text
model that it was. Imports torch and transformers: it is itself imported where such a model loads.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import torch
from transformers import VideoPrismClipModel, XCLIPModel
from transformers.modeling_outputs import ImageClassifierOutput

from vidtag.models.words.towers import PrismVideo, XClipVideo


class _FittedXClip(XCLIPModel):  # type: ignore[no-untyped-call]
    """X-CLIP's video tower, and a last layer on the direction that it sees a video in."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.classifier = torch.nn.Linear(config.projection_dim, config.num_labels)

    def forward(self, pixel_values: torch.Tensor) -> ImageClassifierOutput:
        """Map `(B, T, 3, H, W)` to logits `(B, num_labels)`."""
        video, _ = XClipVideo.see(self, pixel_values)
        return ImageClassifierOutput(logits=self.classifier(video.to(self.dtype)))


class _FittedPrism(VideoPrismClipModel):  # type: ignore[no-untyped-call]
    """VideoPrism's video tower, and a last layer on the direction that it sees a video in."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.classifier = torch.nn.Linear(config.vision_config.hidden_size, config.num_labels)

    def forward(self, pixel_values_videos: torch.Tensor) -> ImageClassifierOutput:
        """Map `(B, T, 3, H, W)` to logits `(B, num_labels)`."""
        video = PrismVideo.see(self, pixel_values_videos)
        return ImageClassifierOutput(logits=self.classifier(video.to(self.dtype)))


FITTED_CLASSES: Mapping[str, Any] = MappingProxyType(
    {"xclip": _FittedXClip, "videoprism": _FittedPrism}
)
"""By `model_type`, the class that reads a checkpoint with a last layer."""
