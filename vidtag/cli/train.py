"""`vidtag train` and `vidtag pretrain`: models of the user's own."""

from typing import Annotated, Any, Literal

import typer

from vidtag.cli.grouping import option_group
from vidtag.cli.options import Common, InputChoice, Json, Windows

_FULL = "All weights"

_MOST_SEED = 2**63 - 1
"""What torch takes."""


@option_group
class Made:
    """Which model is made, and from which."""

    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="FOLDER", help="The model's folder."),
    ] = None
    base: Annotated[
        str,
        typer.Option("--from", metavar="M",
                     help="The model that it begins with: an alias, a hub id, or a folder."),
    ] = "base"  # fmt: skip
    seed: Annotated[
        int, typer.Option(min=0, max=_MOST_SEED, metavar="N", help="Decides all luck.")
    ] = 0
    force: Annotated[
        bool, typer.Option("--force", help="Replace also a folder that vidtag train did not make.")
    ] = False
    offline: Annotated[bool, typer.Option("--offline", help="Never touch the network.")] = False
    as_json: Json = False
    device: Annotated[
        str, typer.Option(metavar="D", rich_help_panel=_FULL, help="auto, cpu, cuda, cuda:1, mps.")
    ] = "auto"
    precision: Annotated[
        Literal["fp32", "bf16"],
        typer.Option(metavar="P", rich_help_panel=_FULL,
                     help="What is computed in; weights stay in fp32."),
    ] = "fp32"  # fmt: skip
    batch_size: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", rich_help_panel=_FULL, show_default="16; 32 in pretrain",
                     help="Clips of an update."),
    ] = None  # fmt: skip
    rate: Annotated[
        float | None,
        typer.Option(min=0.0, max=1e3, metavar="X", rich_help_panel=_FULL,
                     show_default="by the batch", help="Learning rate of the last layers."),
    ] = None  # fmt: skip

    def folder(self) -> str:
        """Return where the model goes.

        Raises:
            BadParameter: That was not said.
        """
        if not self.output:  # an empty name would be that of the folder one is in
            raise typer.BadParameter("say where the model goes: -o FOLDER")
        return self.output

    def load(self, *, trains: bool) -> Any:
        """Make the options for loading what it begins with.

        Args:
            trains: Whether its weights are trained, which torch does.
        """
        from vidtag.models.options import LoadOptions

        return LoadOptions(
            model=self.base,
            offline=self.offline,
            device=self.device,
            engine="torch" if trains else "auto",
            precision=self.precision if trains else "auto",
        )


@option_group
class Full:
    """Whether and how all weights are trained."""

    full: Annotated[
        bool,
        typer.Option("--full", rich_help_panel=_FULL,
                     help="Train all weights, and not the last layer alone: hours."),
    ] = False  # fmt: skip
    epochs: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", rich_help_panel=_FULL, show_default="30",
                     help="How often each clip is seen."),
    ] = None  # fmt: skip
    no_flip: Annotated[
        bool,
        typer.Option("--no-flip", rich_help_panel=_FULL,
                     help="Never exchange left and right: where labels tell them apart."),
    ] = False  # fmt: skip

    def check(self, made: Made) -> None:
        """Refuse what has no say in the fit of a last layer.

        Raises:
            BadParameter: Something of the kind was asked for, and all weights are not trained.
        """
        given = {
            "--epochs": self.epochs is not None,
            "--no-flip": self.no_flip,
            "--batch-size": made.batch_size is not None,
            "--rate": made.rate is not None,
            "--precision": made.precision != "fp32",
        }
        alone = [name for name, is_given in given.items() if is_given]
        if alone and not self.full:
            raise typer.BadParameter(
                f"{' and '.join(alone)} can't be followed without --full: a last layer is fitted"
            )


def train(
    data: Annotated[
        str,
        typer.Argument(metavar="DATA", help="Labels: a folder with a folder per label, or a file."),
    ],
    *,
    made: Made,
    full: Full,
    windows: Windows,
    common: Common,
    videos: Annotated[
        str | None,
        typer.Option(metavar="FOLDER", help="Where the videos lie that the labels name."),
    ] = None,
) -> None:
    """Train a model of your own actions from labelled videos.

    DATA is a folder with a folder per label; a CSV or a list of paths with labels; ActivityNet
    JSON; an export of Label Studio; ELAN files; or documents of vidtag's own. The encoder stays as
    it is, and a last layer is fitted to it: seconds, once the videos were read.
    """
    folder = made.folder()
    full.check(made)
    from vidtag.cli.train_run import TrainRequest, run_train
    from vidtag.tagging.settings import Settings

    settings = Settings(
        window_seconds=windows.window,
        stride_seconds=windows.stride,
        read=common.part(offline=made.offline),
    )
    request = TrainRequest(
        data=data,
        folder=folder,
        videos=videos,
        seed=made.seed,
        force=made.force,
        as_json=made.as_json,
        quiet=common.quiet,
    )
    load = made.load(trains=full.full)
    chosen = None
    if full.full:
        from vidtag.training.augmenting import Augmentation
        from vidtag.training.fine_tuning import FullOptions

        chosen = FullOptions(
            load=load,
            settings=settings,
            epochs=full.epochs or 30,
            batch_size=made.batch_size or 16,
            rate=made.rate,
            augmentation=Augmentation(flip=not full.no_flip),
            seed=made.seed,
        )
    with common.store() as store:
        run_train(request, load, settings, store, chosen)


def pretrain(
    inputs: Annotated[
        list[str] | None, typer.Argument(metavar="INPUT", help="Videos that nobody labelled.")
    ] = None,
    *,
    made: Made,
    windows: Windows,
    found: InputChoice,
    common: Common,
    steps: Annotated[
        int, typer.Option(min=1, metavar="N", rich_help_panel=_FULL, help="Updates.")
    ] = 2000,
    from_nothing: Annotated[
        bool,
        typer.Option(
            "--from-nothing",
            rich_help_panel=_FULL,
            help="Take the shape of the model alone, and weights that know nothing.",
        ),
    ] = False,
) -> None:
    """Let an encoder learn from unlabelled footage, for vidtag train --from FOLDER --full.

    VideoMAE's own way: nine tenths of the picture are hidden, and it paints them.
    """
    folder = made.folder()
    from vidtag.cli.pretrain_run import run_pretrain
    from vidtag.inputs.finding import find_inputs
    from vidtag.tagging.settings import Settings
    from vidtag.training.pretraining import PretrainOptions

    named = find_inputs(
        tuple(inputs or ()),
        recursive=found.recursive,
        files_from=tuple(found.files_from or ()),
        nul_separated=found.nul,
    )
    options = PretrainOptions(
        load=made.load(trains=True),
        settings=Settings(
            window_seconds=windows.window,
            stride_seconds=windows.stride,
            read=common.part(offline=made.offline),
        ),
        num_steps=steps,
        batch_size=made.batch_size or 32,
        rate=made.rate,
        from_nothing=from_nothing,
        seed=made.seed,
    )
    run_pretrain(named, folder, options, force=made.force, as_json=made.as_json, quiet=common.quiet)
