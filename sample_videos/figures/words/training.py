"""Teaches X-CLIP on two cores, from nothing, in three phases.

Learning everything at once fails: while the video's part knows nothing, the best that the text's
part can say is always the same, and it gets there within 25 steps. So each learns apart first:

1. Pictures: single frames, with the joints in every patch and for the class token, and the class
   against learnt anchors. Batches of many different pictures end the plateau within a minute.
2. Texts: sentences against the anchors, which are held fixed.
3. Clips: sentences against clips, with all that was asked before, velocities included.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from transformers import CLIPTokenizer, XCLIPModel

from figures.batches import Recipe
from figures.dataset import NUM_FRAMES, Pool
from figures.training import (
    Progress,
    descend,
    make_optimisers,
    motion_loss,
    presence_loss,
    set_learning_rates,
)
from figures.words.batches import (
    ClipBatch,
    JointTargets,
    PictureBatch,
    make_clip_batch,
    make_picture_batch,
)
from figures.words.captions import ENTRIES, sentence
from figures.words.clips import CYCLE
from figures.words.network import NUM_JOINTS, Heads, Taps, look_at_frames, match, read, see
from figures.words.tokens import encode
from vidtag.tagging.read_ahead import ReadAhead
from vidtag.training.descent import save_state

Report = Callable[[Progress], None]
T = TypeVar("T")


def picture_recipe(steps: int, seed: int) -> Recipe:
    """Return the schedule of the first phase."""
    return Recipe(
        steps=steps,
        batch_size=256,
        warm_up_steps=50,
        decay_share=0.3,
        final_rate=0.3,
        seed=seed,
    )


def text_recipe(steps: int, seed: int) -> Recipe:
    """Return the schedule of the second phase; its batch is four sentences of each class."""
    return Recipe(
        steps=steps,
        batch_size=4,
        warm_up_steps=20,
        decay_share=0.5,
        adam_rate=1e-3,
        weight_decay=0.01,
        seed=seed,
    )


def clip_recipe(steps: int, seed: int) -> Recipe:
    """Return the schedule of the third phase: about half the rates, or it undoes the first."""
    return Recipe(
        steps=steps,
        decay_share=38 / 45,
        knee=(1 / 3, 5 / 7),
        adam_rate=4e-4,
        muon_rate=1e-3,
        seed=seed,
    )


@dataclass(slots=True)
class WordTrainer:
    """A model with what its training needs besides; every phase can be saved and resumed."""

    model: XCLIPModel
    tokenizer: CLIPTokenizer
    heads: Heads = field(default_factory=Heads)
    step: int = 0
    """Within the current phase."""
    _taps: Taps = field(default_factory=Taps)
    _optimisers: list[torch.optim.Optimizer] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Listen to the vision tower."""
        self._taps.attach(self.model)

    def learn_pictures(self, pool: Pool, recipe: Recipe, report: Report) -> None:
        """Go through the first phase, from the current step on."""
        self._begin(recipe)
        look_at_frames(self.model, 1)
        made = (make_picture_batch(pool, recipe, step) for step in range(self.step, recipe.steps))
        self._run(made, recipe, self._picture_losses, report)
        look_at_frames(self.model, NUM_FRAMES)

    def learn_texts(self, recipe: Recipe, report: Report) -> None:
        """Go through the second phase."""
        weights = [*self.model.text_model.parameters(), *self.model.text_projection.parameters()]
        self._optimisers = make_optimisers([], weights, recipe)
        rng = np.random.default_rng([recipe.seed, 9])
        classes = torch.arange(CYCLE).repeat_interleave(recipe.batch_size)
        made = ([sentence(rng, ENTRIES[i]) for i in classes] for _ in range(recipe.steps))

        def losses(texts: list[str]) -> tuple[Tensor, Tensor, float]:
            answers = self.heads.classify(read(self.model, *encode(self.tokenizer, texts)))
            loss = _cross_entropy(answers, classes, recipe.label_smoothing)
            return loss, torch.zeros(()), _share_right(answers, classes)

        self._run(made, recipe, losses, report)

    def learn_clips(self, pool: Pool, recipe: Recipe, report: Report) -> None:
        """Go through the third phase, from the current step on."""
        self._begin(recipe)
        made = (
            make_clip_batch(pool, self.tokenizer, recipe, step)
            for step in range(self.step, recipe.steps)
        )
        self._run(made, recipe, lambda batch: self._clip_losses(batch, recipe), report)

    def _begin(self, recipe: Recipe) -> None:
        """Make the optimisers, unless they were resumed."""
        if self._optimisers and self.step:
            return
        inner = [
            weight
            for name, weight in self.model.named_parameters()
            if weight.ndim == 2
            and ("encoder.layers" in name or "prompts_generator" in name)
            and not name.startswith("text_")
        ]
        every = [*self.model.parameters(), *self.heads.parameters()]
        every = [weight for weight in every if weight.requires_grad]
        self._optimisers = make_optimisers(inner, every, recipe)

    def _run(
        self,
        made: Iterator[T],
        recipe: Recipe,
        losses: Callable[[T], tuple[Tensor, Tensor, float]],
        report: Report,
    ) -> None:
        """Take a phase's steps; report each, and begin the next phase at step 0."""
        self.model.train()
        with ReadAhead(made, size=3) as ahead:
            for batch in ahead:
                set_learning_rates(self._optimisers, recipe, self.step)
                loss, auxiliary, accuracy = losses(batch)
                descend(loss + auxiliary, self._optimisers, self.model.parameters())
                self.step += 1
                report(
                    Progress(
                        step=self.step,
                        loss=loss.item(),
                        auxiliary_loss=auxiliary.item(),
                        accuracy=accuracy,
                    )
                )
                self.model.train()
        self.model.eval()  # type: ignore[no-untyped-call]
        self.step, self._optimisers = 0, []

    def _picture_losses(self, batch: PictureBatch) -> tuple[Tensor, Tensor, float]:
        with torch.autocast("cpu", torch.bfloat16):
            looked = self.model.vision_model(pixel_values=batch.pixels.flatten(0, 1))
            vectors = self.model.visual_projection(looked.pooler_output)
        answers = self.heads.classify(vectors)
        loss = _cross_entropy(answers, batch.labels, 0.05)
        return loss, self._joint_loss(batch.joints, 2), _share_right(answers, batch.labels)

    def _clip_losses(self, batch: ClipBatch, recipe: Recipe) -> tuple[Tensor, Tensor, float]:
        with torch.autocast("cpu", torch.bfloat16):
            seen = see(self.model, batch.pixels)
            texts = read(self.model, batch.ids, batch.mask)
            logits = match(self.model, seen, texts)
        smoothing = recipe.label_smoothing
        shares = batch.shares * (1 - smoothing) + smoothing / CYCLE
        sets = (logits[:, :CYCLE], logits[:, CYCLE : 2 * CYCLE])
        loss = sum((_distance(chosen, shares) for chosen in sets), torch.zeros(())) / 2
        asked, truth = logits[:, batch.asked], batch.truth[:, batch.asked]
        loss = loss + 0.5 * _distance(asked, _normalised(truth, 1))
        shown = truth.sum(0) > 0.3
        loss = loss + 0.5 * _distance(asked.T[shown], _normalised(truth, 0).T[shown])
        loss = loss + _distance(self.heads.classify(seen.videos), shares)
        classes = torch.arange(2 * CYCLE) % CYCLE
        named = self.heads.classify(texts[: 2 * CYCLE])
        loss = loss + _cross_entropy(named, classes, smoothing)
        right = _share_right(logits[:, :CYCLE], batch.shares.argmax(1))
        return loss, self._joint_loss(batch.joints, 4), right

    def _joint_loss(self, targets: JointTargets, numbers: int) -> Tensor:
        """Ask patches and class tokens for joints.

        Args:
            targets: the right answers.
            numbers: of each joint, that the class token must tell: 2 (place) or 4 (velocity, too).
        """
        shape, kinds = targets.patches.shape[:3], targets.patches.shape[3]
        present = targets.patches[..., 0]
        answers = self.heads.patch(self._taps.patches[0][:, 1:].float()).view_as(targets.patches)
        loss = presence_loss(answers[..., 0], present)
        # One picture's patch can't know how fast anything moves: places only.
        loss = loss + motion_loss(answers[..., 1:3], targets.patches[..., 1:3], present)
        token = self._taps.tokens[0][:, 0].float()
        loss = loss + presence_loss(self.heads.heat(token).view(*shape, kinds), present)
        places = self.heads.places(token).view(*shape[:2], NUM_JOINTS, 4)[..., :numbers]
        wanted = targets.places.view(*shape[:2], NUM_JOINTS, 4)[..., :numbers]
        far = functional.smooth_l1_loss(places, wanted, reduction="none", beta=0.2).mean((-1, -2))
        return loss + 4 * (far * targets.visible).sum() / targets.visible.sum().clamp(min=1)

    def save(self, path: Path, **more: Any) -> None:
        """Write all that is needed to go on from here, and some more."""
        state = {
            "step": self.step,
            "model": self.model.state_dict(),
            "heads": self.heads.state_dict(),
            "optimisers": [optimiser.state_dict() for optimiser in self._optimisers],
            **more,
        }
        save_state(path, state)

    def resume(self, path: Path, recipe: Recipe) -> None:
        """Go on from where `save` was called, in the phase of a recipe."""
        state = torch.load(path, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.heads.load_state_dict(state["heads"])
        self.step, self._optimisers = 0, []
        if state["optimisers"]:
            self._begin(recipe)
            for optimiser, saved in zip(self._optimisers, state["optimisers"], strict=True):
                optimiser.load_state_dict(saved)
        self.step = state["step"]


def _cross_entropy(logits: Tensor, classes: Tensor, smoothing: float) -> Tensor:
    return functional.cross_entropy(logits, classes, label_smoothing=smoothing)


def _distance(logits: Tensor, shares: Tensor) -> Tensor:
    """Return the cross-entropy of rows of logits against shares that add up to one."""
    return -(shares * functional.log_softmax(logits.float(), -1)).sum(-1).mean()


def _normalised(truth: Tensor, along: int) -> Tensor:
    return truth / truth.sum(along, keepdim=True).clamp(min=1e-3)


def _share_right(logits: Tensor, classes: Tensor) -> float:
    return (logits.argmax(1) == classes).float().mean().item()
