"""One request from the command line: inputs → documents → where they go.

Continues after a failed input, skips what is done, and sums up; what a result looks like is
the formats' business.
"""

import functools
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from vidtag.cache.contents import hash_file
from vidtag.cache.scores import ScoreStore
from vidtag.cli.calibrating import calibrate_first
from vidtag.cli.display import Display, Talking
from vidtag.cli.words import tell_words
from vidtag.cutting.chapters import with_copies
from vidtag.documents.records import Document, Failure, StepRecord, make_failure
from vidtag.errors import ExitCode, OutputError, UsageError, VideoError
from vidtag.formats import Format
from vidtag.formats.html import NO_PAGE_TO_EMBED_IN, Extras, with_extras
from vidtag.formats.layouts import laid_out
from vidtag.formats.rows import PLAIN_LAYOUT, Layout
from vidtag.formats.table import PLAIN_VIEW, TableView, table_format
from vidtag.inputs.finding import find_inputs
from vidtag.inputs.foresight import foresee_failure
from vidtag.inputs.found import Input
from vidtag.models.load import load_classifier
from vidtag.models.options import LoadOptions
from vidtag.outputs import Fingerprint, Outputs, open_outputs, plan_outputs
from vidtag.outputs.destination import is_folder
from vidtag.search.filtering import keep_matching, keep_matching_tags
from vidtag.search.matching import Patterns
from vidtag.seconds import format_seconds
from vidtag.stopping import check, held
from vidtag.tagging.settings import Settings
from vidtag.tagging.step_tags import record_of
from vidtag.tagging.tagger import Tagger, Tagging
from vidtag.version import __version__


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the command line asked for, besides the model and the settings."""

    arguments: tuple[str, ...]
    """Files, folders, globs, URLs, or `-`."""

    files_from: tuple[str, ...] = ()
    """Files that list more of them."""

    also_read: tuple[str, ...] = ()
    """Other files that are read, and never written."""

    nul_separated: bool = False
    """Whether those lists are NUL-separated."""

    recursive: bool = False
    """Whether subfolders are entered."""

    formats: tuple[str, ...] = ()
    """Names of formats; where there are none, the output decides."""

    outputs: tuple[str, ...] = ()
    """Files, or one folder; stdout where there are none."""

    force: bool = False
    """Replace in a folder also what vidtag did not make."""

    skip_existing: bool = False
    """Skip what has its result."""

    fail_fast: bool = False
    """Stop at the first failed input."""

    quiet: bool = False
    """Errors alone on stderr."""

    verbose: bool = False
    """Say what is run, and how long it took."""

    explain: bool = False
    """Show in pages what the model looked at."""

    view: TableView = PLAIN_VIEW
    """How much tables show."""

    each: bool = False
    """Print a table of each of several videos on a terminal, and not a row."""

    embed_video: bool = False
    """Put each video into its page."""

    layout: Layout = PLAIN_LAYOUT
    """What the rows of tables are."""

    only: Patterns | None = None
    """What labels are kept in results; `None` keeps all."""

    @property
    def talking(self) -> Talking:
        """How much is said on stderr."""
        return "quiet" if self.quiet else "verbose" if self.verbose else "usual"


def run_batch(
    request: Request, load: LoadOptions, settings: Settings, store: ScoreStore | None
) -> int:
    """Tag all inputs and return the exit code.

    Raises:
        UsageError: Inputs, formats and output do not go together.
        OutputError: Results can't be written.
        ModelError: The model can't be loaded, or failed.
    """
    inputs = find_inputs(
        request.arguments,
        recursive=request.recursive,
        files_from=request.files_from,
        nul_separated=request.nul_separated,
    )
    plans = plan_outputs(
        request.outputs, request.formats, inputs, skip_existing=request.skip_existing
    )
    display = Display(
        num_videos=len(inputs.items),
        talk=request.talking,
        is_batch=inputs.is_many,
        min_score=settings.rule.min_score,
    )
    tables = table_format(request.view, each=request.each)
    wanted = [name for plan in plans for name in plan.formats]
    replaced = {
        tables.name: tables,
        **laid_out(request.layout, wanted),
        **with_copies(plans),
    }
    if request.explain or request.embed_video:
        pages = _pages(request, load, settings, display)
        replaced[pages.name] = pages
        if not any(plan.path and pages.name in plan.formats for plan in plans):
            if request.explain:
                raise UsageError("--explain goes with -f html -o FOLDER: maps are shown in pages.")
            raise UsageError(NO_PAGE_TO_EMBED_IN)
    also_read = (*request.files_from, *request.also_read, load.name)
    outputs = open_outputs(plans, inputs, replaced, also_read=also_read, force=request.force)
    display.tally.other_files = inputs.num_other_files
    with display, outputs:
        for failure in inputs.failures:
            display.fail(str(failure))
            outputs.write(_as_input(failure), _failure(failure))
        items = list(inputs.items)
        failing = _foresee_failures(items)
        if len(failing) == len(items):
            for item, error in list(failing.items())[: 1 if request.fail_fast else None]:
                display.fail(str(error))
                outputs.write(item, _failure(error))
        elif not (inputs.failures and request.fail_fast):
            named = failing.keys() if not request.fail_fast else ()
            for item in named:
                display.fail(str(failing[item]))
            calibrate_first(load, settings, items, display.note)
            classifier = load_classifier(load, display.note, display.advance)
            tagger = Tagger(classifier, settings, store=store)
            for text in request.only.without_label(tagger.labels) if request.only else ():
                display.warn(f"no label of {classifier.info.model_id} matches '{text}'.")
            if request.skip_existing:
                items = _without_done(items, outputs, _Made(request, load, tagger, store), display)
            is_kept = not request.outputs and not inputs.is_many
            batch = _Batch(request, display, outputs, is_kept=is_kept, named=frozenset(named))
            batch.run(items, tagger)
    display.summarise(_where(request.outputs, outputs))
    tally = display.tally
    if not tally.failed:
        return ExitCode.DONE
    return ExitCode.SOME_FAILED if tally.tagged or tally.skipped else ExitCode.FAILED


def _where(paths: Sequence[str], outputs: Outputs) -> str:
    """Say where results went, and into how many files, where that is not plain."""
    if not paths or not outputs.num_files:
        return ""
    named = ", ".join(paths)
    if outputs.num_files == len(paths) and not any(map(is_folder, paths)):
        return named
    return f"{named} ({outputs.num_files} file{'s' * (outputs.num_files > 1)})"


def _pages(request: Request, load: LoadOptions, settings: Settings, display: Display) -> Format:
    """Make the format of pages that have in them what was asked for."""
    explain = None
    if request.explain:
        from vidtag.explain.pages import Explainer  # draws pictures, for which PyAV is loaded

        def show_maps(done: int, total: int) -> None:
            display.work("maps", done, total)

        explain = Explainer(load, settings, show_maps).explain
    return with_extras(Extras(explain=explain, embed_video=request.embed_video, warn=display.warn))


def _foresee_failures(items: Sequence[Input]) -> dict[Input, VideoError]:
    """Find what is certain to fail, so that it is named before a model is looked for."""
    found = {item: foresee_failure(item.source) for item in items}
    return {item: error for item, error in found.items() if error is not None}


@dataclass(frozen=True, slots=True)
class _Made:
    """How this run makes results."""

    request: Request
    load: LoadOptions
    tagger: Tagger
    store: ScoreStore | None

    def fingerprint(self) -> Fingerprint:
        made = Fingerprint.of(
            self.tagger.settings,
            self.tagger.classifier.info,
            self.tagger.grid,
            engine=_if_asked(self.load.engine),
            device=_if_asked(self.load.device),
            precision=_if_asked(self.load.precision),
        )
        return replace(made, only=self.request.only.texts) if self.request.only else made

    def content_id(self, path: str) -> str | None:
        return hash_file(path) if self.store is None else self.store.content_id(path)


def _without_done(
    items: Sequence[Input], outputs: Outputs, made: _Made, display: Display
) -> list[Input]:
    fingerprint = made.fingerprint()
    content_id = functools.cache(made.content_id)  # every output asks, and each file of a folder
    left = []
    for item in items:
        if outputs.is_done(item, fingerprint, content_id):
            display.skip()
        else:
            left.append(item)
    return left


def _if_asked(choice: str) -> str | None:
    return None if choice == "auto" else choice


@dataclass(frozen=True, slots=True)
class _Batch:
    request: Request
    display: Display
    outputs: Outputs
    is_kept: bool
    """Whether of a video that is stopped the result so far is printed."""
    named: frozenset[Input]
    """Inputs of which it is said already that they fail."""

    def run(self, items: Sequence[Input], tagger: Tagger) -> None:
        """Tag the inputs one after the other."""
        if self.request.verbose:
            info = tagger.classifier.info
            self.display.say(
                f"{info.model_id} ({info.revision or 'no revision'}) on {info.device} with "
                f"{info.engine} {info.precision}, {info.batch_size} windows at once"
            )
            for told in tell_words(info):
                self.display.say(told)
        video: Tagging | None = None
        try:
            with tagger.open(*(item.source for item in items)) as videos:
                for item, video in zip(items, videos, strict=True):
                    check()
                    with held(video.cut) if self.is_kept else nullcontext():
                        is_tagged = self._tag(item, video, tagger)
                    if not is_tagged and self.request.fail_fast:
                        return
        except KeyboardInterrupt:
            line = self._how_to_go_on(len(items), video)
            self.display.tell_kept()
            if line is not None and not self.request.quiet:
                self.display.say(line)
            raise

    def _how_to_go_on(self, num_items: int, video: Tagging | None) -> str | None:
        """Say what a run that is stopped leaves, and how to have the rest."""
        outputs, num_tagged = self.request.outputs, self.display.tally.tagged
        if num_items > 1:
            how = "go on with --skip-existing" if outputs else "run it again for the rest"
            return f"stopped: {num_tagged} of {num_items} videos are tagged; {how}."
        if video is None or (self.is_kept and video.stopped_seconds is None):
            return None  # it is complete, or nothing was known
        how = "run it again to go on there: what was scored is stored"
        if video.stopped_seconds is not None:
            at = format_seconds(video.stopped_seconds)
            return f"stopped at {at}; {how if video.is_stored else f'--start {at} goes on there'}."
        if num_tagged:
            return None
        kept = how if video.is_stored else "nothing was kept"
        return f"stopped: '{outputs[0]}' was not written; {kept}."

    def _tag(self, item: Input, video: Tagging, tagger: Tagger) -> bool:
        name = video.name
        self.display.start(name)
        try:
            for step in video:
                check()
                self.display.step(step, video.expected_seconds, tagger.grid.start_seconds)
                if self.outputs.takes_steps:
                    with self.display.paused():
                        self.outputs.step(name, self._kept_of(record_of(step)))
            if not video.is_known:
                return False  # stopped before there was anything to tell
            document = video.document()
            if self.request.only is not None:
                document = keep_matching(document, self.request.only)
        except VideoError as exc:
            if item not in self.named:
                self.display.fail(str(exc))
            with self.display.paused(), held():
                self.outputs.write(item, _failure(exc))
            return False
        try:
            with held():
                # What goes into files takes its time, and is shown; stdout needs the room.
                with nullcontext() if self.request.outputs else self.display.paused():
                    self.outputs.write(item, document)
                self.display.finish(name, document)
        except OutputError as exc:
            if exc.costs_all:
                raise
            self.display.fail(str(exc))
            return False
        if self.request.verbose:
            timing = document.timing
            self.display.say(
                f"{name}: {timing.total_seconds:.2f} s (decoding {timing.decode_seconds:.2f}"
                f" s, model {timing.model_seconds:.2f} s"
                f"{', stored scores' if timing.from_cache else ''}"
                f"{_spared(document)})"
            )
        return True

    def _kept_of(self, step: StepRecord) -> StepRecord:
        only = self.request.only
        return step if only is None else keep_matching_tags(step, only)


def _spared(document: Document) -> str:
    """Say what the model was spared."""
    said = ""
    number = document.timing.num_repeated_windows
    if number:
        said = f", {number} of {document.sampling.num_windows} windows as the one before"
    if document.still_share is not None:
        said += f", {100 * document.still_share:.0f} % of the patches still"
    return said


def _as_input(error: VideoError) -> Input:
    return Input(source=error.path, name=PurePosixPath("-"))


def _failure(error: VideoError) -> Failure:
    return make_failure(error.path, error, __version__)
