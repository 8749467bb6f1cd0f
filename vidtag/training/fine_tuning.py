"""`vidtag train --full`: all weights are trained, on pixels, with what few clips need.

The recipe is VideoMAE's for small data sets (FINETUNE.md, UCF101): layer decay, a warm-up and a
cosine, label smoothing, stochastic depth, mixup; without the crops that lose the person.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from vidtag.clips.reading import open_part
from vidtag.clips.windows import Window
from vidtag.documents.headline import NONE_OF_THESE
from vidtag.errors import UsageError, VideoError
from vidtag.formats.truths.split import split_truths
from vidtag.formats.truths.truth import LabelledVideo, TrueSegment, Truths
from vidtag.models.config import ModelConfig
from vidtag.models.found import check_found, find_and_read
from vidtag.models.load import load_classifier
from vidtag.models.options import LoadOptions
from vidtag.models.source import ModelFiles
from vidtag.models.torch_engine import PixelModel, load_model
from vidtag.models.writing import NewHead, put_head, write_model
from vidtag.tagging.settings import Settings
from vidtag.tagging.tagger import Tagger
from vidtag.training.augmenting import Augmentation, augment, mix
from vidtag.training.card import model_card
from vidtag.training.clips import WorkFolder, batches
from vidtag.training.descent import (
    Descent,
    Report,
    Schedule,
    dropped_paths,
    seed_dropout,
)
from vidtag.training.devices import autocast, num_passes, training_device
from vidtag.training.examples import (
    NONE,
    Examples,
    LeftOut,
    kind_of,
    number_labels,
    window_targets,
    without_testing,
    without_unshown,
)
from vidtag.training.head_training import Trained, own_facts
from vidtag.training.outcome import Outcome, Unseen, find_temperature

HELD_OUT = 0.2
"""Share of the videos that a training does not see, where the labels' file names none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FullOptions:
    """How all of a model is trained."""

    load: LoadOptions
    """The model that it begins with; its device and precision are those of the training."""

    settings: Settings
    """Windows."""

    epochs: int = 30
    """How often each clip is seen, on the average."""

    batch_size: int = 16
    """Clips of an update."""

    rate: float | None = None
    """Learning rate; 5e-4 for 256 clips, and as much less for fewer, where `None`."""

    augmentation: Augmentation = field(default_factory=Augmentation)
    """What may happen to clips."""

    drop_path: float = 0.1
    """How often the last layer is passed over."""

    seed: int = 0
    """Decides what is held out, and all luck."""


def train_full(
    truths: Truths,
    folder: str,
    options: FullOptions,
    *,
    tell: Callable[[str], None] | None = None,
    advance: Callable[[int, int], None] = lambda done, total: None,
) -> Trained:
    """Train all weights of a model on labelled videos, and write it.

    After a kill the same call goes on at the last checkpoint, and ends at the same weights (on the
    CPU in fp32).

    Args:
        truths: What persons said of videos.
        folder: Where the model goes; what is there is replaced. A folder of a like name holds
            checkpoints meanwhile.
        options: The model, and how.
        tell: Told in a line what takes long.
        advance: Told how many updates are done, and how many there are.

    Raises:
        UsageError: The model reads words, or did.
        ModelError: The model can't be had, or fails.
        VideoError: Not one of the videos can be read.
        TruthError: No window shows what could be told from another thing.
        OutputError: The folder can't be written.
    """
    began, load = time.monotonic(), options.load
    truths = without_testing(truths)
    files, config = find_and_read(load, tell)
    if config.kind.text is not None or config.has_fitted_head:
        raise UsageError(
            f"--full can't train {config.kind.title}; leave --full out, and a last layer is fitted "
            "to what it sees, or take --from base."
        )
    training_device(load)  # before hours of reading
    work = WorkFolder.of(folder)
    paths = [video.path for video in truths.videos]
    goes_on = work.open(_facts(truths, files, options), paths)
    if goes_on and tell is not None:
        tell(f"going on with what {work.path} has")
    reader = _Reader(truths, options)
    examples, clips = reader.read(work, tell)
    examples = without_unshown(examples)
    classes = (*examples.labels, *([NONE_OF_THESE] if examples.has_none else []))
    targets = np.where(examples.targets == NONE, len(examples.labels), examples.targets)
    held_out, how = hold_out(examples, options.seed)
    learns = ~held_out[examples.videos]
    network = _network(files, config, len(classes), options)
    schedule = make_schedule(int(learns.sum()), options)
    descent = Descent(network, schedule, work.path / "checkpoint.pt", load.name)

    def ask() -> Unseen | None:
        return _ask(network, clips, examples, targets, held_out)

    report = Report(
        advance, tell, times=min(10, options.epochs), more=lambda: _so_far(network, ask)
    )
    _descend(descent, clips, (targets, np.flatnonzero(learns)), len(classes), options, report)
    advance(schedule.num_steps, schedule.num_steps)
    unseen = ask()
    outcome = Outcome(
        classes=classes,
        temperature=find_temperature(unseen),
        unseen=unseen,
        held_out=how,
        recipe=_recipe(schedule, options),
    )
    write_model(
        files,
        network.model.cpu(),
        folder,
        labels=classes,
        own=own_facts(config.own, options.settings, outcome, examples, "full"),
        card=model_card(files, config, examples, outcome, options.seed),
    )
    work.remove()
    return Trained(
        base=load.name, examples=examples, outcome=outcome, seconds=time.monotonic() - began
    )


def _facts(truths: Truths, files: ModelFiles, options: FullOptions) -> dict[str, object]:
    """List all that shapes a training, so that no other one goes on with its checkpoint."""
    return {
        "base": f"{files.model_id} {files.revision}",
        "truths": repr(truths),
        "options": repr(replace(options, load=replace(options.load, show_progress=False))),
    }


def make_schedule(num_clips: int, options: FullOptions) -> Schedule:
    """Say how many updates there are, and how fast the weights move."""
    per_epoch = max(1, round(num_clips / options.batch_size))
    num_steps = per_epoch * options.epochs
    rate = 5e-4 * options.batch_size / 256 if options.rate is None else options.rate
    return Schedule(num_steps=num_steps, rate=rate, warm_up=max(1, num_steps // 10))


def _recipe(schedule: Schedule, options: FullOptions) -> str:
    how = options.augmentation
    return (
        f"all weights, {schedule.num_steps} updates of {options.batch_size} clips with AdamW, rate "
        f"{schedule.rate:.2g} with layer decay {schedule.layer_decay:g}, warm-up and cosine, "
        f"weight decay {schedule.weight_decay:g}, label smoothing {how.smoothing:g}, mixup "
        f"{how.mixup:g}, "
        f"drop path {options.drop_path:g}, {'' if how.flip else 'no '}flips"
    )


class _Reader:
    """Reads the windows of labelled videos."""

    def __init__(self, truths: Truths, options: FullOptions) -> None:
        self._truths = truths
        # Only prepares frames, which depends on the model alone: the cheapest place will do.
        on_cpu = replace(options.load, device="cpu", precision="auto", fast=False)
        self._tagger = Tagger(load_classifier(on_cpu, needs_head=False), options.settings)
        self._labels, self._index = number_labels(truths.labels)
        self._failures: list[str] = []
        self._left_out = LeftOut()
        self._targets: list[npt.NDArray[np.int64]] = []
        self._taken: list[int] = []  # places among the videos

    def read(
        self, work: WorkFolder, tell: Callable[[str], None] | None
    ) -> tuple[Examples, npt.NDArray[np.uint8]]:
        """Read all, or take what an earlier run had read."""
        info = self._tagger.classifier.info
        shape = (info.num_frames, info.image_size, info.image_size, 3)
        if tell is not None and not work.has_clips:
            tell("reading the clips")
        notes = work.path / "read.npz"
        clips = work.clips(shape, lambda: self._clips_noted_in(notes))
        found = np.load(notes)
        taken = [self._truths.videos[k] for k in found["taken"]]
        examples = Examples(
            features=np.zeros((len(found["targets"]), 0), np.float32),
            targets=found["targets"],
            videos=found["videos"],
            whole=np.array([video.label is not None for video in taken], bool),
            subsets=tuple(video.subset for video in taken),
            paths=tuple(video.path for video in taken),
            labels=self._labels,
            notes=tuple(map(str, found["notes"])),
        )
        return examples, clips

    def _clips_noted_in(self, path: Path) -> Iterator[npt.NDArray[np.uint8]]:
        """Yield all clips, and note what they are before they count as read."""
        yield from self._clips()
        lengths = list(map(len, self._targets))
        np.savez(
            path,
            targets=np.concatenate([np.zeros(0, np.int64), *self._targets]),
            videos=np.repeat(np.arange(len(lengths)), lengths),
            taken=np.array(self._taken, int),
            notes=np.array(
                [
                    *self._truths.notes,
                    *self._failures,
                    *self._left_out.notes,
                ],
                str,
            ),
        )

    def _clips(self) -> Iterator[npt.NDArray[np.uint8]]:
        first: VideoError | None = None
        for number, video in enumerate(self._truths.videos):
            try:
                yield from self._of(number, video)
            except VideoError as exc:
                first = first or exc
                what = "read in part" if self._taken[-1:] == [number] else "left out"
                self._failures.append(f"{what}: {exc}")
        if first is not None and not self._taken:
            raise first

    def _of(self, number: int, video: LabelledVideo) -> Iterator[npt.NDArray[np.uint8]]:
        tagger = self._tagger
        targets: list[int] = []

        def clips() -> Iterator[npt.NDArray[np.uint8]]:
            # The last window alone may reach past the end, which is known behind it.
            last: Window | None = None
            with open_part(
                video.path, tagger.settings.read, tagger.grid, tagger.classifier.prepare
            ) as reading:
                for window in reading:
                    if last is not None:
                        yield from take(last, last.end_seconds)
                    last = window
                if last is not None:
                    yield from take(last, reading.end_seconds)
                    self._left_out.look_at(video, reading.end_seconds)

        def take(window: Window, end: Fraction) -> Iterator[npt.NDArray[np.uint8]]:
            bounds = [(window.start_seconds, window.end_seconds)]
            if video.label is not None:
                target = self._index[video.label]
            else:
                shown, num_mixed = window_targets(video, bounds, end, self._index)
                target = int(shown[0])
                self._left_out.num_mixed += num_mixed
            if target >= NONE:
                targets.append(target)
                yield np.stack(window.clip)

        try:
            yield from clips()
        finally:
            if targets:
                self._targets.append(np.array(targets, np.int64))
                self._taken.append(number)


def hold_out(examples: Examples, seed: int) -> tuple[npt.NDArray[np.bool_], str]:
    """Say which videos a training does not see, `(V,)`, and how they were chosen, in words.

    What their windows show decides, not what their labels' file says of them: of a label whose
    other video can't be read, say, none is held out.

    Args:
        examples: What was read.
        seed: Decides where the labels' file does not.
    """
    names = (*examples.labels, NONE_OF_THESE)  # the last place is that of `NONE`
    shown = [
        tuple(
            TrueSegment(start_seconds=Fraction(0), end_seconds=Fraction(1), label=names[target])
            for target in np.unique(examples.targets[examples.videos == video]).tolist()
        )
        for video in range(examples.num_videos)
    ]
    kinds = [kind_of(subset) for subset in examples.subsets]
    videos = [
        LabelledVideo(path=path, label=None, segments=segments, subset=kind)
        for path, segments, kind in zip(examples.paths, shown, kinds, strict=True)
    ]
    whole = Truths(videos=tuple(videos), labels=tuple(sorted(names)))
    unseen = {video.path for video in split_truths(whole, share=HELD_OUT, seed=seed)[1].videos}
    held_out = np.array([path in unseen for path in examples.paths], bool)
    if not held_out.any():
        return held_out, "nothing: each label has too few videos"
    if "validation" in kinds and set(kinds) != {"validation"}:
        return held_out, "the file's own validation videos"
    return held_out, f"{int(held_out.sum())} of {len(kinds)} videos, of each label about a fifth"


def _network(
    files: ModelFiles, config: ModelConfig, num_classes: int, options: FullOptions
) -> PixelModel:
    """Load the model in single precision, with a last layer that knows nothing yet."""
    preprocessing = check_found(files, config).preprocessing
    model = load_model(files, config, torch.float32)
    head: Any = model.get_submodule(config.kind.head)
    generator = torch.Generator().manual_seed(options.seed)
    weight = 0.01 * torch.randn(num_classes, head.in_features, generator=generator)
    new = NewHead(
        labels=tuple(map(str, range(num_classes))),
        weight=weight.numpy(),
        bias=np.zeros(num_classes, np.float32),
    )
    put_head(model, config, new, torch.float32)
    model.requires_grad_(True)
    return PixelModel(model, config, preprocessing).to(training_device(options.load))


def _descend(
    descent: Descent,
    clips: npt.NDArray[np.uint8],
    learned: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]],
    num_classes: int,
    options: FullOptions,
    report: Report,
) -> None:
    network: Any = descent.model
    targets, places = learned
    device = next(network.parameters()).device
    num_parts = num_passes(clips, options.batch_size)
    drawn = list(batches(targets[places], options.batch_size, options.seed, descent.num_steps))
    network.train()
    with (
        dropped_paths(network.model, options.drop_path) as set_luck,
        torch.random.fork_rng(devices=[]),
    ):

        def loss_of(part: int) -> torch.Tensor:
            rng = np.random.default_rng([options.seed, part, 1])
            seed_dropout(options.seed, part)
            step, place = divmod(part, num_parts)
            chosen = places[np.array_split(drawn[step], num_parts)[place]]
            pictures = torch.from_numpy(np.stack([clips[k] for k in chosen]))
            pictures = augment(pictures, rng, options.augmentation)
            goals = functional.one_hot(torch.from_numpy(targets[chosen]), num_classes).float()
            pictures, goals = mix(pictures, goals, rng, options.augmentation)
            set_luck(rng)
            with autocast(options.load, device):
                logits = network(pictures.to(device))
            loss = functional.cross_entropy(logits.float(), goals.to(device))
            report.losses.append(loss.item())
            return loss * (len(chosen) * num_parts / options.batch_size)

        descent.run(loss_of, report, num_parts=num_parts)
    network.eval()


def _so_far(network: PixelModel, ask: Callable[[], Unseen | None]) -> str:
    """Say how well a model does on the way, by what it does not learn from."""
    network.eval()
    unseen = ask()
    network.train()
    if unseen is None:
        return ""
    right = float((unseen.logits.argmax(axis=1) == unseen.targets).mean())
    return f", {right:.0%} right of {len(unseen.targets)} held out"


@torch.no_grad()
def _ask(
    network: PixelModel,
    clips: npt.NDArray[np.uint8],
    examples: Examples,
    targets: npt.NDArray[np.int64],
    held_out: npt.NDArray[np.bool_],
) -> Unseen | None:
    """Ask the trained model about what it has not seen; `None` where that is nothing."""
    device = next(network.parameters()).device
    known = np.isin(targets, targets[~held_out[examples.videos]])  # the rest is no question to it
    logits, true, videos = [], [], []
    for video in np.flatnonzero(held_out):
        own = np.flatnonzero(examples.videos == video)
        rows = np.concatenate(
            [
                network(torch.from_numpy(clips[own[k : k + 4]].copy()).to(device)).float().cpu()
                for k in range(0, len(own), 4)
            ]
        ).astype(np.float64)
        if examples.whole[video]:
            rows, own = rows.mean(axis=0, keepdims=True), own[:1]
        rows, own = rows[known[own]], own[known[own]]
        logits.append(rows)
        true.append(targets[own])
        videos.append(np.full(len(own), video, np.int64))
    if not sum(map(len, logits)):
        return None
    return Unseen(
        logits=np.concatenate(logits), targets=np.concatenate(true), videos=np.concatenate(videos)
    )
