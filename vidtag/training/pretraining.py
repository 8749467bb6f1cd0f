"""`vidtag pretrain`: an encoder learns from footage that nobody labelled, by filling in tubes.

VideoMAE's own way: nine tenths of the patches are hidden, at the same places in all frames, and the
model paints them. Source: Tong et al. 2022, VideoMAE (arXiv 2203.12602); PRETRAIN.md.
"""

import copy
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from vidtag.clips.reading import open_part
from vidtag.errors import UsageError, VideoError
from vidtag.models.config import ModelConfig
from vidtag.models.found import check_found, find_and_read
from vidtag.models.load import load_classifier
from vidtag.models.options import LoadOptions
from vidtag.models.source import ModelFiles
from vidtag.models.torch_engine import Pixels, load_model
from vidtag.models.writing import NewHead, put_head, write_model
from vidtag.tagging.settings import Settings
from vidtag.tagging.tagger import Tagger
from vidtag.training.augmenting import Augmentation, augment
from vidtag.training.card import pretraining_card
from vidtag.training.clips import WorkFolder
from vidtag.training.descent import Descent, Report, Schedule, seed_dropout
from vidtag.training.devices import autocast, num_passes, training_device
from vidtag.training.head_training import own_windows

MASKED = 0.9
"""Share of the patches that is hidden."""

_IN_VAIN = 0.9
"""The loss above which hardly anything was learned."""

PRETRAINED = "pretraining"
"""What config.json says of a model that has learned from unlabelled footage alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PretrainOptions:
    """How an encoder learns from footage."""

    load: LoadOptions
    """The model that it begins with; its device and precision are those of the training."""

    settings: Settings
    """Windows; they follow each other without overlap unless a stride was asked for."""

    num_steps: int = 2000
    """Updates."""

    batch_size: int = 32
    """Clips of an update."""

    rate: float | None = None
    """Learning rate; 1.5e-4 for 256 clips, and as much less for fewer, where `None`."""

    from_nothing: bool = False
    """Begin with weights that know nothing."""

    seed: int = 0
    """Decides all luck."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pretrained:
    """What came of it."""

    num_videos: int
    """Videos that were read."""

    num_clips: int
    """Clips of them."""

    first_loss: float
    """Mean of the first updates that this run took; NaN where an earlier one had taken all."""

    last_loss: float
    """Mean of the last ones, or NaN."""

    notes: tuple[str, ...]
    """What was left out."""

    seconds: float
    """How long it took."""

    normalises: bool
    """Whether each patch counts by its own contrast, as in all published models."""

    @property
    def is_in_vain(self) -> bool:
        """Whether it paints hardly better than who gives each patch one colour.

        That has a loss of 1 where patches count by their own contrast. Grain does it, which nobody
        can foresee: an encoder that knew something then forgets it.
        """
        return self.normalises and self.last_loss > _IN_VAIN


def pretrain(
    videos: Sequence[str],
    folder: str,
    options: PretrainOptions,
    *,
    tell: Callable[[str], None] | None = None,
    advance: Callable[[int, int], None] = lambda done, total: None,
) -> Pretrained:
    """Train an encoder on unlabelled videos, and write it: for `train --from FOLDER --full`.

    After a kill the same call goes on at the last checkpoint, and ends at the same weights (on the
    CPU in fp32).

    Args:
        videos: Paths.
        folder: Where the model goes; what is there is replaced.
        options: The model, and how.
        tell: Told in a line what takes long.
        advance: Told how many updates are done, and how many there are.

    Raises:
        UsageError: The model is no VideoMAE.
        ModelError: The model can't be had, or fails.
        VideoError: Not one of the videos can be read.
        OutputError: The folder can't be written.
    """
    began, load = time.monotonic(), options.load
    files, config = find_and_read(load, tell)
    if config.architecture != "videomae":
        raise UsageError(f"{config.kind.title} can't be pretrained here: --from takes a VideoMAE.")
    training_device(load)  # before hours of reading
    work = WorkFolder.of(folder)
    facts = {
        "base": f"{files.model_id} {files.revision}",
        "options": repr(replace(options, load=replace(load, show_progress=False))),
    }
    if work.open(facts, videos) and tell is not None:
        tell(f"going on with what {work.path} has")
    reader = _Reader(videos, options)
    if tell is not None and not work.has_clips:
        tell("reading the clips")
    notes = work.path / "read.json"
    clips = work.clips(reader.shape, lambda: reader.clips_noted_in(notes))
    found = json.loads(notes.read_text())
    model = _Painter(files, config, options).to(training_device(load))
    rate = 1.5e-4 * options.batch_size / 256 if options.rate is None else options.rate
    schedule = Schedule(
        num_steps=options.num_steps,
        rate=rate,
        warm_up=max(1, options.num_steps // 20),
        layer_decay=1.0,
    )
    descent = Descent(model, schedule, work.path / "checkpoint.pt", load.name)
    losses = _descend(descent, clips, options, Report(advance, tell))
    advance(options.num_steps, options.num_steps)
    result = Pretrained(
        num_videos=found["num_read"],
        num_clips=len(clips),
        first_loss=float(np.mean(losses[:20])) if losses else float("nan"),
        last_loss=float(np.mean(losses[-20:])) if losses else float("nan"),
        notes=tuple(found["notes"]),
        seconds=time.monotonic() - began,
        normalises=bool(model.model.config.norm_pix_loss),
    )
    _write(files, config, model, folder, (options, result))
    work.remove()
    return result


class _Reader:
    """Reads the windows of videos that nobody labelled."""

    def __init__(self, videos: Sequence[str], options: PretrainOptions) -> None:
        self._videos = videos
        on_cpu = replace(options.load, device="cpu", precision="auto", fast=False)
        classifier = load_classifier(on_cpu, needs_head=False)
        settings = options.settings
        if settings.stride_seconds is None:
            window = settings.window_seconds or classifier.info.window_seconds
            settings = replace(settings, stride_seconds=window)
        self._tagger = Tagger(classifier, settings)
        info = classifier.info
        self.shape = (info.num_frames, info.image_size, info.image_size, 3)
        self._num_read = 0
        self._notes: list[str] = []

    def clips_noted_in(self, path: Path) -> Iterator[npt.NDArray[np.uint8]]:
        """Yield all clips, and note what they are of before they count as read."""
        yield from self._clips()
        path.write_text(json.dumps({"num_read": self._num_read, "notes": self._notes}))

    def _clips(self) -> Iterator[npt.NDArray[np.uint8]]:
        tagger, failures = self._tagger, []
        for path in self._videos:
            num_clips = 0
            try:
                with open_part(
                    path, tagger.settings.read, tagger.grid, tagger.classifier.prepare
                ) as reading:
                    for window in reading:
                        num_clips += 1
                        yield np.stack(window.clip)
            except VideoError as exc:
                failures.append(exc)
                self._notes.append(f"{'read in part' if num_clips else 'left out'}: {exc}")
            self._num_read += num_clips > 0
        if failures and not self._num_read:
            raise failures[0]


class _Painter(Pixels):
    """Transformers' `VideoMAEForPreTraining`, which takes uint8 clips."""

    def __init__(self, files: ModelFiles, config: ModelConfig, options: PretrainOptions) -> None:
        from transformers import VideoMAEForPreTraining

        super().__init__(check_found(files, config).preprocessing, torch.float32)
        known: Any = load_model(files, config, torch.float32)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(options.seed)
            self.model: Any = VideoMAEForPreTraining(with_small_painter(known.config))
        if not options.from_nothing:
            self.model.videomae.load_state_dict(known.videomae.state_dict())
        self.model.requires_grad_(True)
        settings = known.config
        self.places = (settings.image_size // settings.patch_size) ** 2
        self.tubes = settings.num_frames // settings.tubelet_size

    def forward(self, clips: torch.Tensor, masked: torch.Tensor) -> torch.Tensor:
        """Paint what is hidden; return how wrong that is.

        Args:
            clips: `(B, T, S, S, 3)`.
            masked: `(B, tokens)` bool.
        """
        loss: torch.Tensor = self.model(self.normalised(clips), bool_masked_pos=masked).loss
        return loss


def with_small_painter(config: Any) -> Any:
    """Give a configuration whose decoder is half as wide and a third as deep as its encoder.

    That is VideoMAE-base's own. Smaller models often name no decoder, and get base's, which would
    cost more than all the rest, and paint well from an encoder that has learned little.

    Args:
        config: Transformers' `VideoMAEConfig`; it is left as it is.

    >>> from transformers import VideoMAEConfig
    >>> small = with_small_painter(VideoMAEConfig(hidden_size=192, num_hidden_layers=4))
    >>> small.decoder_hidden_size, small.decoder_num_hidden_layers
    (96, 2)
    >>> base = with_small_painter(VideoMAEConfig())
    >>> base.decoder_hidden_size, base.decoder_num_hidden_layers, base.decoder_num_attention_heads
    (384, 4, 6)
    """
    width = min(config.decoder_hidden_size, config.hidden_size // 2)
    if width == config.decoder_hidden_size:
        return config
    smaller = copy.deepcopy(config)
    smaller.decoder_hidden_size = width
    smaller.decoder_intermediate_size = 4 * width
    smaller.decoder_num_hidden_layers = min(
        config.decoder_num_hidden_layers, max(2, config.num_hidden_layers // 3)
    )
    # As many heads as are at least 32 wide, and divide the width.
    smaller.decoder_num_attention_heads = max(
        heads for heads in range(1, max(1, width // 32) + 1) if width % heads == 0
    )
    return smaller


def hide_tubes(
    rng: np.random.Generator, num_clips: int, num_places: int, num_tubes: int
) -> npt.NDArray[np.bool_]:
    """Choose what is hidden: the same places in all frames of a clip.

    >>> hidden = hide_tubes(np.random.default_rng(0), 2, 36, 8)
    >>> hidden.shape, hidden.sum(axis=1).tolist()
    ((2, 288), [256, 256])
    """
    num_hidden = min(round(MASKED * num_places), num_places - 1)
    rows = []
    for _ in range(num_clips):
        hidden = np.zeros(num_places, bool)
        hidden[rng.permutation(num_places)[:num_hidden]] = True
        rows.append(np.tile(hidden, num_tubes))
    return np.stack(rows)


def _descend(
    descent: Descent,
    clips: npt.NDArray[np.uint8],
    options: PretrainOptions,
    report: Report,
) -> list[float]:
    model: Any = descent.model
    device = next(model.parameters()).device
    num_parts = num_passes(clips, options.batch_size)
    sizes = list(map(len, np.array_split(np.arange(options.batch_size), num_parts)))
    how = Augmentation()

    def loss_of(part: int) -> torch.Tensor:
        rng = np.random.default_rng([options.seed, part, 2])
        seed_dropout(options.seed, part)
        size = sizes[part % num_parts]
        chosen = rng.integers(0, len(clips), size)
        pictures = augment(torch.from_numpy(np.stack([clips[k] for k in chosen])), rng, how)
        masked = torch.from_numpy(hide_tubes(rng, size, model.places, model.tubes))
        with autocast(options.load, device):
            loss: torch.Tensor = model(pictures.to(device), masked.to(device))
        report.losses.append(loss.item())
        return loss * (size * num_parts / options.batch_size)

    model.train()
    with torch.random.fork_rng(devices=[]):
        descent.run(loss_of, report, num_parts=num_parts)
    model.eval()
    return report.losses


def _write(
    files: ModelFiles,
    config: ModelConfig,
    model: nn.Module,
    folder: str,
    told: tuple[PretrainOptions, Pretrained],
) -> None:
    """Write the encoder as a classifier that knows no label yet."""
    painter: Any = model.cpu()
    known: Any = load_model(files, config, torch.float32)
    known.videomae.load_state_dict(painter.model.videomae.state_dict())
    head: Any = known.get_submodule(config.kind.head)
    labels = ("LABEL_0", "LABEL_1")
    new = NewHead(
        labels=labels,
        weight=np.zeros((2, head.in_features), np.float32),
        bias=np.zeros(2, np.float32),
    )
    put_head(known, config, new, torch.float32)
    own = own_windows(config.own, told[0].settings)
    write_model(
        files,
        known,
        folder,
        labels=labels,
        own={**own, "trained": PRETRAINED},
        card=pretraining_card(files, *told),
    )
