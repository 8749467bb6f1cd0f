"""Transformers' own X-CLIP, small, with start values from which it learns without pretraining."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import XCLIPConfig, XCLIPModel

from figures.actions import LABELS
from figures.batches import GRID, JOINT_KINDS, PATCH, normalise
from figures.body import TRACKED_JOINTS
from figures.dataset import IMAGE_SIZE, NUM_FRAMES
from figures.training import cosines
from figures.words.clips import CYCLE
from figures.words.tokens import MAX_TOKENS

WIDTH = 192
PATCH_LAYER = 1
"""After this layer every patch must know its joints; after the last, the class token must."""
NUM_JOINTS = len(TRACKED_JOINTS)
ANCHOR_SCALE = 16.0


def build_network(num_tokens: int) -> XCLIPModel:
    """Return an untrained model for a tokenizer whose end is its last token."""
    end = num_tokens - 1
    config = XCLIPConfig(
        projection_dim=WIDTH,
        prompt_layers=1,
        prompt_num_attention_heads=3,
        prompt_hidden_act="gelu",
        text_config={
            "vocab_size": num_tokens,
            "hidden_size": 128,
            "intermediate_size": 512,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "max_position_embeddings": MAX_TOKENS,
            "pad_token_id": end,
            "bos_token_id": end - 1,
            "eos_token_id": end,
            "hidden_act": "gelu",
        },
        vision_config={
            "hidden_size": WIDTH,
            "intermediate_size": 4 * WIDTH,
            "num_hidden_layers": 4,
            "num_attention_heads": 3,
            "mit_hidden_size": WIDTH,
            "mit_intermediate_size": 4 * WIDTH,
            "mit_num_hidden_layers": 2,
            "mit_num_attention_heads": 3,
            "image_size": IMAGE_SIZE,
            "patch_size": PATCH,
            "num_frames": NUM_FRAMES,
            "hidden_act": "gelu",
        },
        id2label=dict(enumerate(LABELS)),
        label2id={label: index for index, label in enumerate(LABELS)},
    )
    # Plain attention is faster than the fused kernel here: 0.53 s a step instead of 0.69 s.
    model = XCLIPModel._from_config(config, attn_implementation="eager")  # type: ignore[no-untyped-call]
    assert isinstance(model, XCLIPModel)
    _start(model)
    return model


def _start(model: XCLIPModel) -> None:
    for name, weight in model.named_parameters():
        if weight.ndim == 2 and name.startswith(("vision_model.encoder", "mit.encoder")):
            nn.init.normal_(weight, std=0.06)
    nn.init.normal_(model.mit.position_embedding, std=0.3)
    text = model.text_model.embeddings
    nn.init.normal_(text.token_embedding.weight, std=0.5)
    nn.init.normal_(text.position_embedding.weight, std=0.1)
    # The prompts would drown the text in noise at first: they start small.
    nn.init.constant_(model.prompts_generator.alpha, 0.01)
    # The class token starts as the mean of the patches, and is kept from becoming anything else.
    picture = model.vision_model.embeddings
    nn.init.normal_(picture.position_embedding.weight, std=0.3)
    with torch.no_grad():
        picture.class_embedding.zero_()
        picture.position_embedding.weight[0].zero_()
    picture.class_embedding.requires_grad_(False)
    picture.position_embedding.weight.register_hook(  # type: ignore[no-untyped-call]
        lambda gradient: torch.cat([torch.zeros_like(gradient[:1]), gradient[1:]])
    )


def start_patches_as_frequencies(model: XCLIPModel, frames: npt.NDArray[np.uint8]) -> None:
    """Set the patch embedding to low spatial frequencies, those of the brightness first.

    Args:
        model: changed in place.
        frames: (B, T, 96, 96, 3) clips on which every channel is scaled to unit variance.
    """
    patches = model.vision_model.embeddings.patch_embedding
    space = cosines(PATCH)
    colour = torch.tensor([[1.0, 1, 1], [1, 0, -1], [-1, 2, -1]])
    colour = colour / colour.norm(dim=1, keepdim=True)
    choices = sorted(
        (math.hypot(u, v) + (0, 4, 5)[c], u, v, c)
        for u in range(PATCH)
        for v in range(PATCH)
        for c in range(3)
    )[:WIDTH]
    filters = [torch.einsum("c,y,x->cyx", colour[c], space[u], space[v]) for _, u, v, c in choices]
    with torch.no_grad():
        patches.weight.copy_(torch.stack(filters))
        answers = patches(normalise(frames).flatten(0, 1))
        patches.weight.div_(answers.std((0, 2, 3))[:, None, None, None].clamp(min=1e-3))


@dataclass(frozen=True, slots=True)
class Seen:
    """What the model makes of clips before it is asked anything."""

    videos: Tensor
    """(B, width), of unit length."""
    pictures: Tensor
    """(B, patches, width), which the words are adapted to."""


def see(model: XCLIPModel, pixels: Tensor) -> Seen:
    """Run the video's part of X-CLIP on (B, T, 3, H, W) pixels."""
    batch, frames = pixels.shape[:2]
    looked = model.vision_model(pixel_values=pixels.flatten(0, 1))
    each = model.visual_projection(looked.pooler_output).view(batch, frames, -1)
    video = model.mit(each).pooler_output
    pictures = model.prompts_visual_layernorm(looked.last_hidden_state[:, 1:])
    pictures = (pictures @ model.prompts_visual_projection).view(batch, frames, -1, WIDTH)
    return Seen(functional.normalize(video.float(), dim=-1), pictures.mean(1))


def read(model: XCLIPModel, ids: Tensor, mask: Tensor) -> Tensor:
    """Return the (K, width) vectors of texts before they are adapted to a clip."""
    pooled = model.text_model(input_ids=ids, attention_mask=mask).pooler_output
    texts: Tensor = model.text_projection(pooled)
    return texts


def match(model: XCLIPModel, seen: Seen, texts: Tensor) -> Tensor:
    """Return the (B, K) logits of texts for clips, as `XCLIPModel` computes them."""
    adapted = texts.unsqueeze(0).expand(len(seen.videos), -1, -1)
    adapted = adapted + model.prompts_generator(adapted, seen.pictures)
    adapted = functional.normalize(adapted.float(), dim=-1)
    return torch.einsum("bd,bkd->bk", seen.videos, model.logit_scale.exp() * adapted)


class Heads(nn.Module):
    """What is asked of the model in training only: where joints are, and which class it is."""

    def __init__(self) -> None:
        super().__init__()
        kinds, patches = len(JOINT_KINDS), GRID * GRID
        self.patch = nn.Sequential(nn.LayerNorm(WIDTH), nn.Linear(WIDTH, kinds * 5))
        self.places = nn.Sequential(nn.LayerNorm(WIDTH), nn.Linear(WIDTH, NUM_JOINTS * 4))
        self.heat = nn.Sequential(nn.LayerNorm(WIDTH), nn.Linear(WIDTH, patches * kinds))
        self.anchors = nn.Parameter(torch.randn(CYCLE, WIDTH))

    def classify(self, vectors: Tensor) -> Tensor:
        """Return the (N, classes) logits of vectors (N, width) of any length."""
        anchors = functional.normalize(self.anchors, dim=-1)
        return functional.normalize(vectors.float(), dim=-1) @ (ANCHOR_SCALE * anchors).T


@dataclass(slots=True)
class Taps:
    """Keeps what layers of the vision tower answered last."""

    patches: list[Tensor] = field(default_factory=list)
    tokens: list[Tensor] = field(default_factory=list)

    def attach(self, model: XCLIPModel) -> None:
        """Listen to a model from now on."""
        layers = model.vision_model.encoder.layers
        layers[PATCH_LAYER].register_forward_hook(_keeper(self.patches))
        layers[-1].register_forward_hook(_keeper(self.tokens))


def _keeper(place: list[Tensor]) -> Callable[[nn.Module, Any, Any], None]:
    def keep(_module: nn.Module, _inputs: Any, output: Any) -> None:
        place[:] = [output[0] if isinstance(output, tuple) else output]

    return keep


def look_at_frames(model: XCLIPModel, num_frames: int) -> None:
    """Let the vision tower exchange messages among so many frames: 1 for single pictures."""
    for layer in model.vision_model.encoder.layers:
        layer.num_frames = num_frames  # type: ignore[assignment]
