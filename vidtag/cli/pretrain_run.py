"""A pretraining as the command line shows it."""

import json
import math
import shlex
import sys

from vidtag.cli.speaking import print_line, say
from vidtag.cli.train_run import (
    as_model,
    base_folder,
    refuse_foreign_folder,
    shown_training,
)
from vidtag.errors import UsageError
from vidtag.inputs.found import Inputs
from vidtag.training.pretraining import PretrainOptions, pretrain
from vidtag.version import __version__


def run_pretrain(
    inputs: Inputs,
    folder: str,
    options: PretrainOptions,
    *,
    force: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Pretrain, write the model, and say what came of it.

    Raises:
        UsageError: The folder is something else than a model that vidtag trained, the model to
            begin with is no VideoMAE, or no video is named.
        VideoError: Not one of the videos can be read.
        ModelError: The model can't be had, or fails.
        OutputError: The folder can't be written.
    """
    sources = [item.source for item in inputs.items]
    refuse_foreign_folder(folder, [*sources, *base_folder(options.load)], force=force)
    for failure in inputs.failures:
        say(f"left out: {failure}")
    if not inputs.items:
        if inputs.failures:
            raise inputs.failures[0]
        raise UsageError("There is nothing to learn from; name videos, a folder or a list of them.")
    with shown_training("pretraining", quiet=quiet) as (tell, advance):
        result = pretrain(sources, folder, options, tell=tell, advance=advance)
    for note in result.notes:
        if not quiet:
            say(note)
    if as_json:
        figures = {
            "schema_version": 1,
            "vidtag_version": __version__,
            "videos": result.num_videos,
            "clips": result.num_clips,
            "steps": options.num_steps,
            "first_loss": _finite(result.first_loss),
            "last_loss": _finite(result.last_loss),
        }
        print_line(json.dumps(figures, indent=2 if sys.stdout.isatty() else None))
    else:
        went = f"the loss went from {result.first_loss:.3f} to {result.last_loss:.3f}"
        if not math.isfinite(result.first_loss):
            went = "all of them were taken before"
        print_line(
            f"{result.num_clips} clips of {result.num_videos} videos, {options.num_steps} updates; "
            f"{went}."
        )
    if result.is_in_vain and not quiet:
        say(
            f"warning: it learned hardly anything (who gives each patch one colour has a loss of "
            f"1.000): try more --steps, clearer or larger pictures, and compare what comes of it "
            f"with {options.load.name} itself"
        )
    if not quiet:
        say(
            f"wrote {folder} in {result.seconds:.0f} s: vidtag train DATA --from "
            f"{shlex.quote(as_model(folder))} --full -o MODEL"
        )


def _finite(number: float) -> float | None:
    return round(number, 6) if math.isfinite(number) else None
