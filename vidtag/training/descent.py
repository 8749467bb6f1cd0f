"""Going down a loss: groups of parameters, the rate over time, and checkpoints.

What a step does follows from the weights before it, the seed and its number, and from nothing
else: a training that was killed ends, with the same command, at the same weights (on the CPU in
single precision).
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from vidtag.errors import ModelError, OutputError
from vidtag.models.soundness import is_out_of_memory
from vidtag.stopping import held

_SAVE_SECONDS = 120.0
"""After how long a checkpoint is written."""

_CLIP = 5.0
"""Length that a gradient is cut to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """How far and how fast."""

    num_steps: int
    """Updates of the weights."""

    rate: float
    """Learning rate of the last layers, at its highest."""

    warm_up: int
    """Steps in which it rises from nothing."""

    weight_decay: float = 0.05
    """Of matrices; vectors have none."""

    layer_decay: float = 0.75
    """What each layer's rate is of that of the next one."""

    def factor(self, step: int) -> float:
        """Rise over the warm-up, then fall along a cosine to a hundredth."""
        if step < self.warm_up:
            return (step + 1) / self.warm_up
        done = (step - self.warm_up) / max(self.num_steps - self.warm_up, 1)
        return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done))


def encoder_layers(model: nn.Module) -> nn.ModuleList:
    """Find the layers of an encoder: its longest list of modules.

    Raises:
        ValueError: It has none.
    """
    lists = [module for module in model.modules() if isinstance(module, nn.ModuleList)]
    if not lists:
        raise ValueError("the model has no list of layers")
    return max(lists, key=len)


def make_optimiser(model: nn.Module, schedule: Schedule) -> torch.optim.Optimizer:
    """Give each layer its rate, and matrices alone a decay.

    Source: VideoMAE, optim_factory.py (layer decay); rates of FINETUNE.md.
    """
    layers = encoder_layers(model)
    depth_of = {
        id(parameter): number + 1
        for number, layer in enumerate(layers)
        for parameter in layer.parameters()
    }
    seen_layers = False
    groups: dict[tuple[int, float], list[nn.Parameter]] = {}
    for parameter in model.parameters():
        if not parameter.requires_grad:
            continue
        number = depth_of.get(id(parameter))
        seen_layers = seen_layers or number is not None
        if number is None:  # before the layers: embeddings; behind them: norm and head
            number = len(layers) + 1 if seen_layers else 0
        decay = schedule.weight_decay if parameter.ndim > 1 else 0.0
        groups.setdefault((number, decay), []).append(parameter)
    return torch.optim.AdamW(
        [
            {
                "params": parameters,
                "weight_decay": decay,
                "scale": schedule.layer_decay ** (len(layers) + 1 - number),
            }
            for (number, decay), parameters in groups.items()
        ],
        lr=schedule.rate,
        betas=(0.9, 0.999),
    )


@contextmanager
def dropped_paths(model: nn.Module, most: float) -> Iterator[Callable[[np.random.Generator], None]]:
    """Let layers be passed over now and then, later ones more often, per clip.

    Source: Huang et al. 2016, Deep Networks with Stochastic Depth (arXiv 1603.09382).

    Yields:
        What is told, before each pass, the luck of it.
    """
    layers = encoder_layers(model)
    chances = np.linspace(0, most, len(layers))
    luck: list[np.random.Generator] = []

    def hook(chance: float) -> Callable[..., Any]:
        def drop(layer: nn.Module, inputs: tuple[Any, ...], output: Any) -> Any:
            if not luck or chance == 0 or not layer.training:
                return output
            before = inputs[0]
            after = output[0] if isinstance(output, tuple) else output
            keeps = luck[0].random(len(before)) >= chance
            scale = torch.from_numpy(keeps / (1 - chance)).to(after)
            scale = scale.reshape(-1, *[1] * (after.ndim - 1))
            mixed = before + (after - before) * scale
            return (mixed, *output[1:]) if isinstance(output, tuple) else mixed

        return drop

    handles = [
        layer.register_forward_hook(hook(float(chance)))
        for layer, chance in zip(layers, chances, strict=True)
    ]
    try:
        yield lambda rng: luck.__setitem__(slice(None), [rng])
    finally:
        for handle in handles:
            handle.remove()


def seed_dropout(seed: int, part: int) -> None:
    """Let what a model drops of its own follow from the seed and the part's number alone.

    That is torch's luck, which is the whole process's: `fork_rng` around a training gives it back.
    """
    [number] = np.random.SeedSequence([seed, part, 3]).generate_state(1, np.uint64)
    torch.manual_seed(int(number))


class Report:
    """Says in a line now and then how a training goes, so that hours in vain are seen early.

    Args:
        advance: Told how many updates are done, and how many there are.
        tell: Told the lines; nobody is where `None`.
        times: How many lines at most; the last one is behind the last update, and is not said.
        more: What there is to say beside the loss.
    """

    def __init__(
        self,
        advance: Callable[[int, int], None],
        tell: Callable[[str], None] | None,
        *,
        times: int = 10,
        more: Callable[[], str] = lambda: "",
    ) -> None:
        self.losses: list[float] = []
        """Of each part of an update that this run took."""
        self._advance, self._tell = advance, tell
        self._times, self._more = times, more
        self._told = 0

    def __call__(self, done: int, total: int) -> None:
        """Take note of updates that are done."""
        self._advance(done, total)
        is_due = done * self._times // total > (done - 1) * self._times // total
        new = self.losses[self._told :]
        if self._tell is None or not new or not is_due or done == total:
            return
        self._told = len(self.losses)
        self._tell(f"{done} of {total} updates: loss {np.mean(new):.3f}{self._more()}")


class Descent:
    """A model on its way down; saved as it goes, and taken up where it was.

    Args:
        model: What is trained.
        schedule: How far and how fast.
        path: Where checkpoints lie.
        name: What the user calls the model that it began with, for errors.
    """

    def __init__(self, model: nn.Module, schedule: Schedule, path: Path, name: str) -> None:
        self.model = model
        self._name = name
        self.step = 0
        self._schedule = schedule
        self._path = path
        self._optimiser = make_optimiser(model, schedule)
        self._saved = time.monotonic()
        if path.is_file():
            self._resume()

    @property
    def num_steps(self) -> int:
        """Updates in all."""
        return self._schedule.num_steps

    def run(
        self,
        loss_of: Callable[[int], torch.Tensor],
        advance: Callable[[int, int], None],
        *,
        num_parts: int = 1,
        until: int | None = None,
    ) -> None:
        """Take the steps that are left; what was done by an interruption is saved.

        Args:
            loss_of: The loss of a part of a step: takes its number among all parts.
            advance: Told how many steps are taken, and how many there are.
            num_parts: Of a step, whose gradients are added up before the weights move.
            until: The step to stop before; the end where `None`.

        Raises:
            ModelError: The weights went astray, or there is too little memory.
            OutputError: A checkpoint can't be written.
        """
        try:
            self._run(loss_of, advance, num_parts, until)
        except KeyboardInterrupt:
            with held():
                self.save()
            raise
        except RuntimeError as exc:
            if not is_out_of_memory(exc):
                raise
            raise ModelError(
                self._name,
                "out_of_memory",
                f"There is too little memory to train '{self._name}'; begin with a smaller model, "
                "or try --batch-size 1.",
            ) from exc

    def _run(
        self,
        loss_of: Callable[[int], torch.Tensor],
        advance: Callable[[int, int], None],
        num_parts: int,
        until: int | None,
    ) -> None:
        parameters = [one for group in self._optimiser.param_groups for one in group["params"]]
        for step in range(self.step, self._schedule.num_steps if until is None else until):
            advance(step, self._schedule.num_steps)
            factor = self._schedule.factor(step)
            for group in self._optimiser.param_groups:
                group["lr"] = self._schedule.rate * group["scale"] * factor
            self._optimiser.zero_grad(set_to_none=True)
            for part in range(num_parts):
                loss = loss_of(step * num_parts + part)
                self._check_finite(loss)
                torch.autograd.backward(loss / num_parts)
            nn.utils.clip_grad_norm_(parameters, _CLIP)
            with held():  # half a step is none
                self._optimiser.step()
                self.step = step + 1
                if time.monotonic() - self._saved > _SAVE_SECONDS:
                    self.save()
        self._check_finite(*parameters)

    def _check_finite(self, *numbers: torch.Tensor) -> None:
        """Refuse to go on from weights, or to weights, that are no numbers any more."""
        if all(bool(torch.isfinite(one).all()) for one in numbers):
            return
        raise ModelError(
            self._name,
            "model_failed",
            f"Training went astray: what '{self._name}' computes after {self.step} updates are no "
            "numbers; try a lower --rate.",
        )

    def save(self) -> None:
        """Write all that is needed to go on from here."""
        state = {
            "step": self.step,
            "model": self.model.state_dict(),
            "optimiser": self._optimiser.state_dict(),
        }
        save_state(self._path, state)
        self._saved = time.monotonic()

    def _resume(self) -> None:
        state = torch.load(self._path, map_location="cpu", weights_only=True)
        self.step = state["step"]
        self.model.load_state_dict(state["model"])
        self._optimiser.load_state_dict(state["optimiser"])


def save_state(path: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint so that a kill leaves the old one or the new one, and no half.

    Raises:
        OutputError: It can't be written.
    """
    partial = path.with_suffix(".partial")
    try:
        torch.save(state, partial)
        partial.replace(path)
    except (OSError, RuntimeError) as exc:  # torch tells of a full disk by the latter
        raise OutputError(
            str(path), f"Can't write '{path}'; make room for the checkpoints of a training."
        ) from exc
