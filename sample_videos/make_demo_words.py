"""Make the demo model for own words from nothing: render, train, evaluate, write its folder.

`python sample_videos/make_demo_words.py` makes a small X-CLIP of the drawn figures, which scores
any sentences that are given to it.
"""

import dataclasses
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import torch
import typer
from figures.batches import Recipe
from figures.dataset import (
    Pool,
    make_sequence,
    make_test_example,
    make_validation_example,
    open_pool,
)
from figures.running import Split, render_splits, stopwatch
from figures.training import Progress
from figures.words import clips
from figures.words.asking import quick_look
from figures.words.card import Report, write_words_card, write_words_model
from figures.words.evaluation import (
    WordModel,
    evaluate_clips,
    evaluate_nothing,
    evaluate_sequences,
    evaluate_unseen,
)
from figures.words.network import build_network, start_patches_as_frequencies
from figures.words.tokens import build_tokenizer
from figures.words.training import WordTrainer, clip_recipe, picture_recipe, text_recipe
from rich.console import Console
from rich.progress import track

HERE = Path(__file__).resolve().parent
MODEL_FOLDER = HERE.parent / "vidtag" / "models" / "demo_words"
WORK_FOLDER = Path(tempfile.gettempdir(), "vidtag_demo_words")
COMMAND = "sample_videos/make_demo_words.py"
REPORT_EVERY, SAVE_EVERY, VALIDATE_EVERY = 50, 100, 300

console = Console()


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """How much of everything one run makes."""

    training_clips: int = 21_984
    """916 per label and as many each of standing figures and empty places; 9.7 GB."""
    validation_clips: int = 440
    test_clips: int = 2_200
    nothing_clips: int = 400
    unseen_clips: int = 200
    sequences: int = 60
    picture_steps: int = 1_100
    text_steps: int = 400
    clip_steps: int = 2_700


QUICK = Amounts(
    training_clips=264,
    validation_clips=22,
    test_clips=44,
    nothing_clips=8,
    unseen_clips=4,
    sequences=2,
    picture_steps=2,
    text_steps=5,
    clip_steps=3,
)
"""A smoke test of every part; the model learns nothing."""


def main(
    out: Annotated[Path, typer.Option(help="Folder of the finished model.")] = MODEL_FOLDER,
    work: Annotated[
        Path, typer.Option(help="Folder for clips and checkpoints; a second run goes on from it.")
    ] = WORK_FOLDER,
    seed: Annotated[int, typer.Option(help="Of clips, batches and first weights.")] = 0,
    steps: Annotated[
        int, typer.Option(help="Training steps of 32 clips, after those of pictures and texts.")
    ] = Amounts().clip_steps,
    quick: Annotated[bool, typer.Option(help="Try every part out; the model is useless.")] = False,
) -> None:
    """Render, train and evaluate the demo model for own words (about 100 minutes on two cores)."""
    if quick and out == MODEL_FOLDER:
        raise typer.BadParameter("a model made by --quick is useless: give it another --out")
    amounts = QUICK if quick else Amounts(clip_steps=steps)
    torch.manual_seed(seed)
    work.mkdir(parents=True, exist_ok=True)
    with stopwatch(work) as minutes:
        render_splits(work, _splits(amounts), seed, console)
        trainer = _train(work, amounts, seed)
        write_words_model(trainer, out)
        report = _evaluate(WordModel.load(out), work, amounts, seed)
        size = (out / "model.safetensors").stat().st_size / 1e6
        report = dataclasses.replace(report, megabytes=size, minutes=minutes())
        table = write_words_card(report, out)
    typer.echo(table)


def _splits(amounts: Amounts) -> tuple[Split, ...]:
    return (
        ("validation", make_validation_example, amounts.validation_clips),
        ("train", clips.make_training_example, amounts.training_clips),
        ("test", make_test_example, amounts.test_clips),
        ("nothing", clips.make_nothing_example, amounts.nothing_clips),
        ("unseen", clips.make_unseen_example, amounts.unseen_clips),
    )


def _train(work: Path, amounts: Amounts, seed: int) -> WordTrainer:
    """Go through the three phases; each leaves a checkpoint, from which a second run goes on."""
    training, validation = open_pool(work / "train"), open_pool(work / "validation")
    tokenizer = build_tokenizer()
    model = build_network(len(tokenizer))
    start_patches_as_frequencies(model, training.frames[:40])
    trainer = WordTrainer(model, tokenizer)
    pictures = picture_recipe(amounts.picture_steps, seed)
    texts, whole = text_recipe(amounts.text_steps, seed), clip_recipe(amounts.clip_steps, seed)
    early, late = work / "pictures.pt", work / "clips.pt"
    if late.exists():
        trainer.resume(late, whole)
    else:
        if early.exists():
            trainer.resume(early, pictures)
        trainer.learn_pictures(training, pictures, _reporter(trainer, early, pictures))
        trainer.learn_texts(texts, _reporter(trainer, None, texts))
        trainer.save(late)
    report = _reporter(trainer, late, whole)

    def report_and_look(progress: Progress) -> None:
        report(progress)
        if progress.step % VALIDATE_EVERY == 0 or progress.step == whole.steps:
            _validate(trainer, validation)

    if trainer.step < whole.steps:
        trainer.learn_clips(training, whole, report_and_look)
    return trainer


def _validate(trainer: WordTrainer, validation: Pool) -> None:
    trainer.model.eval()  # type: ignore[no-untyped-call]
    trained, held_out = quick_look(
        trainer.model, trainer.tokenizer, validation.frames, validation.labels[:, 0]
    )
    typer.echo(f"validation: trained phrasings {trained:.1%}, held-out sentences {held_out:.1%}")


def _reporter(
    trainer: WordTrainer, checkpoint: Path | None, recipe: Recipe
) -> Callable[[Progress], None]:
    """Return what prints the means of a phase's steps and saves them now and then."""
    recent: list[Progress] = []

    def report(progress: Progress) -> None:
        recent.append(progress)
        if progress.step % REPORT_EVERY == 0:
            loss, joints, right = (
                sum(getattr(one, field) for one in recent) / len(recent)
                for field in ("loss", "auxiliary_loss", "accuracy")
            )
            recent.clear()
            name = checkpoint.stem if checkpoint else "texts"
            typer.echo(
                f"{name} step {progress.step}: loss {loss:.3f}, joints {joints:.3f}, "
                f"accuracy {right:.1%}"
            )
        is_due = progress.step % SAVE_EVERY == 0 or progress.step == recipe.steps
        if checkpoint and is_due:
            trainer.save(checkpoint)

    return report


def _evaluate(model: WordModel, work: Path, amounts: Amounts, seed: int) -> Report:
    """Judge the saved model by clips and sequences that it has not seen."""
    test, nothing, unseen = (open_pool(work / name) for name in ("test", "nothing", "unseen"))
    sequences = [
        make_sequence("test", index, whole_seconds=True, seed=seed)
        for index in track(range(amounts.sequences), "test sequences", console=console)
    ]
    return Report(
        clips=evaluate_clips(model, test),
        nothing=evaluate_nothing(model, nothing, test),
        sequences=evaluate_sequences(model, sequences),
        unseen=evaluate_unseen(model, unseen),
        temperature=float(model.network.logit_scale.detach().exp()),
        training_clips=amounts.training_clips,
        steps=(amounts.picture_steps, amounts.text_steps, amounts.clip_steps),
        command=f"python {COMMAND} --seed {seed} --steps {amounts.clip_steps}",
        parameters=sum(weight.numel() for weight in model.network.parameters()),
        num_tokens=len(model.tokenizer),
    )


if __name__ == "__main__":
    typer.run(main)
