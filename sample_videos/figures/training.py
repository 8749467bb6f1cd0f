"""Trains a small VideoMAE on rendered clips.

What makes a transformer of two million parameters learn from twenty thousand clips in an hour on
two cores (each was needed; found with the prototype):

* An auxiliary task: from the third layer, every token predicts which joints lie in its patch,
  where, and how fast they move. The renderer knows the answers. The head is thrown away.
* Patch embeddings that start as low spatial frequencies, most of them of the difference between
  the two frames of a tubelet: motion is visible from the first step.
* Muon for the encoder's matrices, AdamW for the rest.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import VideoMAEConfig, VideoMAEForVideoClassification

from figures.actions import LABELS
from figures.batches import JOINT_KINDS, PATCH, TUBELET, Batch, Recipe, make_batch, normalise
from figures.dataset import IMAGE_SIZE, NUM_FRAMES, Pool
from vidtag.tagging.read_ahead import ReadAhead
from vidtag.training.descent import save_state

AUXILIARY_LAYER = -2


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Means over the steps since the last report."""

    step: int
    loss: float
    auxiliary_loss: float
    accuracy: float


def build_model(labels: tuple[str, ...] = LABELS) -> VideoMAEForVideoClassification:
    """Return an untrained model with transformers' own VideoMAE classes."""
    config = VideoMAEConfig(
        image_size=IMAGE_SIZE,
        patch_size=PATCH,
        num_frames=NUM_FRAMES,
        tubelet_size=TUBELET,
        hidden_size=192,
        num_hidden_layers=4,
        num_attention_heads=3,
        intermediate_size=768,
        initializer_range=0.06,
        id2label=dict(enumerate(labels)),
        label2id={label: index for index, label in enumerate(labels)},
    )
    # At 288 tokens plain attention is faster than the fused kernel on a CPU.
    config._attn_implementation = "eager"
    return VideoMAEForVideoClassification(config)


def start_patches_as_frequencies(
    model: VideoMAEForVideoClassification, frames: npt.NDArray[np.uint8]
) -> None:
    """Set the patch embedding to the lowest frequencies of a cosine transform.

    Args:
        model: changed in place.
        frames: (B, 16, 96, 96, 3) clips on which every channel is scaled to unit variance.
    """
    projection = model.videomae.embeddings.patch_embeddings.projection
    channels = projection.weight.shape[0]
    space, time = cosines(PATCH), cosines(TUBELET)
    colour = torch.tensor([[1.0, 1, 1], [1, 0, -1], [-1, 2, -1]])
    colour = colour / colour.norm(dim=1, keepdim=True)
    # Costs by which channels are chosen: high frequencies are dear, colour and stillness dearer.
    choices = sorted(
        (math.hypot(u, v) + (2.2 if t == 0 else 0) + (5 if c else 0), u, v, t, c)
        for u in range(PATCH)
        for v in range(PATCH)
        for t in range(TUBELET)
        for c in range(3)
    )[:channels]
    filters = [
        torch.einsum("c,t,y,x->ctyx", colour[c], time[t], space[u], space[v])
        for _, u, v, t, c in choices
    ]
    with torch.no_grad():
        projection.weight.copy_(torch.stack(filters))
        assert projection.bias is not None
        projection.bias.zero_()
        answers = torch.cat(
            [
                projection(normalise(frames[i : i + 50]).transpose(1, 2)).flatten(2)[:, :, ::7]
                for i in range(0, len(frames), 50)
            ]
        )
        mean, std = answers.mean((0, 2)), answers.std((0, 2))
        projection.weight.div_(std[:, None, None, None, None])
        projection.bias.copy_(-mean / std)


def cosines(size: int) -> Tensor:
    """Return (size, size): a row for each frequency of a cosine transform, lowest first."""
    places = torch.arange(size) + 0.5
    waves = torch.cos(math.pi * torch.outer(torch.arange(size), places) / size)
    scaled: Tensor = waves / waves.norm(dim=1, keepdim=True)
    return scaled


def _batches(pool: Pool, recipe: Recipe, first_step: int) -> Iterator[Batch]:
    """Prepare batches in a thread of their own, a few ahead."""
    made = (make_batch(pool, recipe, step) for step in range(first_step, recipe.steps))
    with ReadAhead(made, size=3) as ahead:
        yield from ahead


def learning_rate_factor(step: int, recipe: Recipe) -> float:
    """Rise over the warm-up, stay, then fall in one or two straight lines, often to almost zero."""
    rise = min(1.0, (step + 1) / recipe.warm_up_steps)
    if recipe.knee:
        ends = (1 - recipe.decay_share, recipe.knee[0], 1.0)
        factors = (1.0, recipe.knee[1], recipe.final_rate)
        return rise * float(np.interp(step / recipe.steps, ends, factors))
    left = (recipe.steps - step) / (recipe.decay_share * recipe.steps)
    return rise * max(recipe.final_rate, min(1.0, left))


def make_optimisers(
    inner: list[nn.Parameter], every: list[nn.Parameter], recipe: Recipe
) -> list[torch.optim.Optimizer]:
    """Give inner matrices, if any, to Muon and all other parameters to AdamW, which comes first."""
    known = {id(weight) for weight in inner}
    outer = [weight for weight in every if id(weight) not in known]
    decay = recipe.weight_decay
    groups = [
        {"params": [w for w in outer if w.ndim > 1], "weight_decay": decay},
        {"params": [w for w in outer if w.ndim <= 1], "weight_decay": 0.0},
    ]
    adam = torch.optim.AdamW(groups, lr=recipe.adam_rate, betas=(0.9, 0.98), fused=True)
    if not inner:
        return [adam]
    muon = torch.optim.Muon(
        inner, lr=recipe.muon_rate, weight_decay=decay, adjust_lr_fn="match_rms_adamw"
    )
    return [adam, muon]


def set_learning_rates(optimisers: list[torch.optim.Optimizer], recipe: Recipe, step: int) -> None:
    """Set the rates of what `make_optimisers` returned for one step."""
    factor = learning_rate_factor(step, recipe)
    for optimiser, rate in zip(optimisers, (recipe.adam_rate, recipe.muon_rate), strict=False):
        for group in optimiser.param_groups:
            group["lr"] = rate * factor


def descend(
    loss: Tensor, optimisers: list[torch.optim.Optimizer], clipped: Iterable[nn.Parameter]
) -> None:
    """Take one step down the loss.

    Args:
        loss: a scalar.
        optimisers: of all the parameters.
        clipped: the parameters whose common gradient is kept from growing too long.
    """
    for optimiser in optimisers:
        optimiser.zero_grad(set_to_none=True)
    torch.autograd.backward(loss)
    nn.utils.clip_grad_norm_(clipped, 2.0)
    for optimiser in optimisers:
        optimiser.step()


def presence_loss(answers: Tensor, present: Tensor) -> Tensor:
    """Tell which kinds of joints are in a patch; both tensors end in (patches, kinds)."""
    # Few patches hold a joint: those that do count more.
    presence = functional.binary_cross_entropy_with_logits(
        answers, present, pos_weight=torch.tensor(4.0)
    )
    return presence * len(JOINT_KINDS)


def motion_loss(answers: Tensor, targets: Tensor, present: Tensor) -> Tensor:
    """Tell places and velocities (…, kinds, 2 or 4) of the joints that are present (…, kinds)."""
    motion = functional.smooth_l1_loss(answers, targets, reduction="none", beta=0.2).sum(-1)
    return (motion * present).sum() / present.sum().clamp(min=1)


@dataclass(slots=True)
class Trainer:
    """A model, its auxiliary head and its optimisers; can be saved and resumed."""

    model: VideoMAEForVideoClassification
    recipe: Recipe
    step: int = 0
    auxiliary: nn.Module = field(init=False)
    optimisers: list[torch.optim.Optimizer] = field(init=False)
    _tokens: list[Tensor] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        """Attach the auxiliary head and sort the parameters into two optimisers."""
        width = self.model.config.hidden_size
        self.auxiliary = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, len(JOINT_KINDS) * 5))
        layer = self.model.videomae.encoder.layer[AUXILIARY_LAYER]
        layer.register_forward_hook(self._keep_tokens)
        inner = [
            weight
            for name, weight in self.model.named_parameters()
            if "encoder.layer" in name and weight.ndim == 2
        ]
        every = [*self.model.parameters(), *self.auxiliary.parameters()]
        self.optimisers = make_optimisers(inner, every, self.recipe)

    def _keep_tokens(self, _module: nn.Module, _inputs: Any, output: Any) -> None:
        self._tokens[:] = [output[0] if isinstance(output, tuple) else output]

    def run(
        self, pool: Pool, report: Callable[[Progress], None], every: int = 50
    ) -> VideoMAEForVideoClassification:
        """Train from the current step to the last.

        Args:
            pool: clips to learn from.
            report: called every so many steps.
            every: steps between two reports; the last step is always reported.

        Returns:
            The trained model, in evaluation mode.
        """
        self.model.train()
        sums = np.zeros(3)
        for batch in _batches(pool, self.recipe, self.step):
            sums += self._learn(batch)
            self.step += 1
            since = self.step % every or every
            if since == every or self.step == self.recipe.steps:
                loss, auxiliary_loss, accuracy = (float(v) for v in sums / since)
                report(
                    Progress(
                        step=self.step,
                        loss=loss,
                        auxiliary_loss=auxiliary_loss,
                        accuracy=accuracy,
                    )
                )
                self.model.train()
                sums[:] = 0
        self.model.eval()  # type: ignore[no-untyped-call]
        return self.model

    def _learn(self, batch: Batch) -> tuple[float, float, float]:
        set_learning_rates(self.optimisers, self.recipe, self.step)
        with torch.autocast("cpu", torch.bfloat16):
            logits = self.model(batch.pixels).logits
        logits = logits.float()
        loss = self._label_loss(logits, batch)
        auxiliary_loss = self._joint_loss(batch.joints)
        descend(loss + auxiliary_loss, self.optimisers, self.model.parameters())
        longer = torch.where(batch.first_share >= 0.5, batch.labels[:, 0], batch.labels[:, 1])
        accuracy = (logits.argmax(-1) == longer).float().mean()
        return loss.item(), auxiliary_loss.item(), accuracy.item()

    def _label_loss(self, logits: Tensor, batch: Batch) -> Tensor:
        """Cross-entropy against the shares in which a clip shows its one or two actions."""
        smoothing = self.recipe.label_smoothing
        first, second = (
            functional.cross_entropy(
                logits, batch.labels[:, i], label_smoothing=smoothing, reduction="none"
            )
            for i in range(2)
        )
        return (first * batch.first_share + second * (1 - batch.first_share)).mean()

    def _joint_loss(self, targets: Tensor) -> Tensor:
        """Presence of joints everywhere; their place and velocity where they are."""
        answers = self.auxiliary(self._tokens[0].float()).view_as(targets)
        present = targets[..., 0]
        motion = motion_loss(answers[..., 1:], targets[..., 1:], present)
        return presence_loss(answers[..., 0], present) + motion

    def save(self, path: Path) -> None:
        """Write all that is needed to go on from here."""
        state = {
            "step": self.step,
            "model": self.model.state_dict(),
            "auxiliary": self.auxiliary.state_dict(),
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
        }
        save_state(path, state)

    def resume(self, path: Path) -> None:
        """Go on from where `save` was called."""
        state = torch.load(path, weights_only=True)
        self.step = state["step"]
        self.model.load_state_dict(state["model"])
        self.auxiliary.load_state_dict(state["auxiliary"])
        for optimiser, saved in zip(self.optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(saved)
