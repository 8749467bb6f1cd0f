"""Make the demo model and the sample videos from nothing.

`python sample_videos/make_demo.py model` renders the clips, trains, tunes the control, evaluates
and writes the model's folder; `videos` writes the sample videos and their truths; `check`
compares a model's timelines of them with the truths.
"""

import dataclasses
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import torch
import typer
from figures.actions import LABELS
from figures.batches import Recipe
from figures.card import Report, note_threshold, write_card, write_model
from figures.clips import encode_clip
from figures.dataset import (
    Pool,
    make_sequence,
    make_test_example,
    make_training_example,
    make_validation_example,
    open_pool,
)
from figures.evaluation import (
    NetworkClassifier,
    evaluate_clips,
    evaluate_sequences,
    frozen_accuracy,
    load_model,
    predict,
    right_seconds,
)
from figures.running import render_splits, stopwatch
from figures.samples import SAMPLES, write_sample
from figures.training import Progress, Trainer, build_model, start_patches_as_frequencies
from rich.console import Console
from rich.progress import track
from transformers import VideoMAEForVideoClassification

from vidtag import Classifier, Tagger

HERE = Path(__file__).resolve().parent
MODEL_FOLDER = HERE.parent / "vidtag" / "models" / "demo"
WORK_FOLDER = Path(tempfile.gettempdir(), "vidtag_demo")
REPORT_EVERY, SAVE_EVERY, VALIDATE_EVERY = 50, 250, 500
REQUIRED_SHARE = 0.9
"""Of every sample video's duration, the least that must be named right."""

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)
console = Console()


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """How much of everything one run makes."""

    training_clips: int = 19_800
    """900 per label; 8.8 GB, which still fits into the page cache of a machine with 16 GB."""
    validation_clips: int = 1_100
    test_clips: int = 2_200
    sequences: int = 60
    steps: int = 4_000
    control_steps: int = 400


QUICK = Amounts(
    training_clips=220,
    validation_clips=22,
    test_clips=44,
    sequences=2,
    steps=20,
    control_steps=5,
)
"""A smoke test of every part in about a minute; the model learns nothing."""


@app.command()
def model(
    out: Annotated[Path, typer.Option(help="Folder of the finished model.")] = MODEL_FOLDER,
    work: Annotated[
        Path, typer.Option(help="Folder for clips and checkpoints; a second run goes on from it.")
    ] = WORK_FOLDER,
    seed: Annotated[int, typer.Option(help="Of clips, batches and first weights.")] = 0,
    steps: Annotated[int, typer.Option(help="Training steps of 32 clips.")] = Amounts().steps,
    quick: Annotated[bool, typer.Option(help="Try every part out; the model is useless.")] = False,
) -> None:
    """Render, train and evaluate the demo model (under two hours on two cores)."""
    if quick and out == MODEL_FOLDER:
        raise typer.BadParameter("a model made by --quick is useless: give it another --out")
    amounts = QUICK if quick else Amounts(steps=steps)
    torch.manual_seed(seed)
    work.mkdir(parents=True, exist_ok=True)
    with stopwatch(work) as minutes:
        training, validation = _render_clips(work, amounts, seed)
        trained = _train(work, (training, validation), Recipe(steps=amounts.steps, seed=seed))
        write_model(trained, out)
        note_threshold(out)
        control = _tune_control(trained, training, Recipe(steps=amounts.control_steps, seed=seed))
        report = _evaluate(
            (load_model(out), NetworkClassifier(control)), open_pool(work / "test"), (amounts, seed)
        )
        size = (out / "model.safetensors").stat().st_size / 1e6
        table = write_card(dataclasses.replace(report, megabytes=size, minutes=minutes()), out)
    typer.echo(table)


def _render_clips(work: Path, amounts: Amounts, seed: int) -> tuple[Pool, Pool]:
    splits = (
        ("validation", make_validation_example, amounts.validation_clips),
        ("train", make_training_example, amounts.training_clips),
        ("test", make_test_example, amounts.test_clips),
    )
    render_splits(work, splits, seed, console)
    return open_pool(work / "train"), open_pool(work / "validation")


def _train(work: Path, pools: tuple[Pool, Pool], recipe: Recipe) -> VideoMAEForVideoClassification:
    training, validation = pools
    network = build_model()
    start_patches_as_frequencies(network, training.frames[:300])
    trainer = Trainer(network, recipe)
    checkpoint = work / "checkpoint.pt"
    if checkpoint.exists():
        trainer.resume(checkpoint)

    def report(progress: Progress) -> None:
        _print_progress("train", progress)
        if progress.step % SAVE_EVERY == 0 or progress.step == recipe.steps:
            trainer.save(checkpoint)
        if progress.step % VALIDATE_EVERY == 0 or progress.step == recipe.steps:
            network.eval()  # type: ignore[no-untyped-call]
            best = predict(NetworkClassifier(network), validation.frames).argmax(1)
            typer.echo(f"validation: {(best == validation.labels[:, 0]).mean():.2%}")

    return trainer.run(training, report, REPORT_EVERY)


def _tune_control(
    trained: VideoMAEForVideoClassification, training: Pool, recipe: Recipe
) -> VideoMAEForVideoClassification:
    """Give a copy of the trained model every chance to recognise actions in single pictures."""
    network = build_model()
    network.load_state_dict(trained.state_dict())
    gentle = Recipe(
        steps=recipe.steps,
        adam_rate=recipe.adam_rate / 2,
        muon_rate=recipe.muon_rate / 2,
        decay_share=0.8,
        frozen_frames=True,
        seed=recipe.seed,
    )
    trainer = Trainer(network, gentle)
    return trainer.run(training, lambda now: _print_progress("control", now), REPORT_EVERY)


def _print_progress(name: str, progress: Progress) -> None:
    typer.echo(
        f"{name} step {progress.step}: loss {progress.loss:.3f}, joints "
        f"{progress.auxiliary_loss:.3f}, accuracy {progress.accuracy:.1%}"
    )


def _evaluate(
    models: tuple[Classifier, Classifier],
    test: Pool,
    run: tuple[Amounts, int],
) -> Report:
    """Judge the shipped model and the control by clips and sequences that neither has seen."""
    (shipped, control), (amounts, seed) = models, run
    sequences = {
        whole: [
            make_sequence("test", index, whole_seconds=whole, seed=seed)
            for index in track(range(amounts.sequences), "test sequences", console=console)
        ]
        for whole in (True, False)
    }
    return Report(
        clips=evaluate_clips(shipped, test),
        whole_seconds=evaluate_sequences(shipped, sequences[True]),
        any_times=evaluate_sequences(shipped, sequences[False]),
        frozen_control=frozen_accuracy(control, test),
        control_steps=amounts.control_steps,
        recipe=Recipe(steps=amounts.steps, seed=seed),
        training_clips=amounts.training_clips,
        command=f"python sample_videos/make_demo.py model --seed {seed} --steps {amounts.steps}",
        parameters=sum(weight.numel() for weight in build_model().parameters()),
    )


@app.command()
def videos(
    out: Annotated[Path, typer.Option(help="Folder for the videos and their truths.")] = HERE,
    only: Annotated[str, typer.Option(help="Write just the video of this name.")] = "",
) -> None:
    """Write the sample videos, each with its truth."""
    out.mkdir(parents=True, exist_ok=True)
    for sample in SAMPLES:
        if only in ("", sample.name, Path(sample.name).stem):
            path, _ = write_sample(sample, out)
            typer.echo(f"{path}: {sample.duration:g} s, {path.stat().st_size / 1e6:.2f} MB")


@app.command()
def clips(
    out: Annotated[Path, typer.Argument(help="Gets a folder per label, for vidtag eval.")],
    number: Annotated[int, typer.Option(help="How many in all.")] = 2_200,
    seed: Annotated[int, typer.Option(help="Of the model that is to be judged.")] = 0,
) -> None:
    """Write the clips by which the demo model was judged, without any loss."""
    for index in track(range(number), "clips", console=console):
        path = out / LABELS[index % len(LABELS)] / f"{index:05}.mkv"
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            encode_clip(path, make_test_example(index, seed).frames, is_lossless=True)


@app.command()
def check(
    folder: Annotated[Path, typer.Option(help="Where the videos are.")] = HERE,
    model_folder: Annotated[Path, typer.Option("--model", help="Whom to ask.")] = MODEL_FOLDER,
) -> None:
    """Compare the timelines of the sample videos with their truths."""
    tagger = Tagger(load_model(model_folder))
    worst = 1.0
    for sample in SAMPLES:
        path = folder / sample.name
        truth = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))["segments"]
        segments = [
            (part["start_seconds"], part["end_seconds"], LABELS.index(part["label"]))
            for part in truth
        ]
        steps = list(tagger.steps(path))
        duration = float(steps[-1].end_seconds)
        share = right_seconds(steps, segments) / duration
        worst = min(worst, share)
        typer.echo(f"{path.name}: {share:.1%} of {duration:.2f} s")
        typer.echo("  " + ", ".join(step.tags[0].label for step in steps))
    if worst < REQUIRED_SHARE:
        raise typer.Exit(1)


if __name__ == "__main__":
    app()
