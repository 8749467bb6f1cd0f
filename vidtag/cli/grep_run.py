"""`vidtag grep`: which of these videos and stored documents contain an action."""

import re
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

from vidtag.cli.display import Display, Talking
from vidtag.cli.grep_lines import HitLines, JsonLines, TextLines
from vidtag.cli.helping import has_colour
from vidtag.cli.stored_inputs import is_stored, read_documents
from vidtag.documents.records import Document, Failure
from vidtag.errors import UsageError, VideoError
from vidtag.inputs.foresight import foresee_failure
from vidtag.inputs.found import Input, Inputs
from vidtag.models.load import labels_of, reads_text
from vidtag.models.options import LoadOptions
from vidtag.models.words.given import parse_words
from vidtag.search.filtering import shown
from vidtag.search.matching import Hit, Matcher, Patterns, compile_patterns
from vidtag.search.stored import Search, search_document
from vidtag.stopping import held
from vidtag.tagging.tagger import Tagger, Tagging
from vidtag.terminal import printing
from vidtag.text import printable
from vidtag.timeline.scores import tags_reaching

_SIGNS = re.compile(r"[][\\^$*+?{}()|]")
"""What makes a pattern an expression, and no text that a person would write of an action."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRequest:
    """What is looked for, and what is printed of it."""

    patterns: Patterns
    """Which labels."""

    min_score: float
    """What a step's score must reach."""

    max_count: int | None = None
    """Stop reading a video after so many hits."""

    names_only: bool = False
    """Print the names of inputs with a hit."""

    counts: bool = False
    """Print how many hits each input has."""

    nul: bool = False
    """Print a NUL after each name."""

    names: bool = True
    """Print the name of the input before each hit or count."""

    as_json: bool = False
    """Print JSON Lines."""

    quiet: bool = False
    """Show errors alone on stderr."""

    def check(self) -> None:
        """Refuse what does not go together.

        Raises:
            UsageError: It does not.
        """
        if self.names_only and self.counts:
            raise UsageError("-l prints names and -c counts; choose one.")
        if self.names_only and not self.names:
            raise UsageError("-l prints names alone, and --no-filename none; choose one.")
        if self.nul and (self.as_json or not self.names):
            raise UsageError("-Z ends names; it does not go with --json or --no-filename.")

    @property
    def needed(self) -> int | None:
        """Hits after which no more of an input need be read."""
        return 1 if self.names_only and self.max_count != 0 else self.max_count


def _line_writer(request: SearchRequest) -> HitLines:
    if request.as_json:
        return JsonLines()
    return TextLines(
        nul=request.nul, names=request.names, is_coloured=has_colour() and not request.nul
    )


class _Printer:
    """Hits on stdout: raw names for programs, safe ones for a terminal."""

    def __init__(self, request: SearchRequest, display: Display) -> None:
        self._request = request
        self._display = display
        self._is_terminal = sys.stdout.isatty()
        self._line = _line_writer(request)
        self.num_hits = 0
        # Names go out as the bytes that they are, so that `xargs -0` finds the files.
        sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape")  # type: ignore[union-attr]

    def hits(self, name: str, hits: Sequence[Hit]) -> None:
        self.num_hits += len(hits)
        if not self._request.names_only and not self._request.counts:
            for hit in hits:
                self._put(self._line.hit(self._shown(name), hit))

    def end(self, name: str, count: int) -> None:
        if self._request.names_only:
            if count:
                self._put(self._line.name(self._shown(name)))
        elif self._request.counts:
            self._put(self._line.count(self._shown(name), count))

    def _shown(self, name: str) -> str:
        is_plain = self._is_terminal and not self._request.as_json
        return printable(name) if is_plain else name

    def _put(self, text: str) -> None:
        with self._display.paused(), printing():
            sys.stdout.write(text)


def run_grep(
    request: SearchRequest,
    inputs: Inputs,
    make_tagger: Callable[[SearchRequest], tuple[Tagger, SearchRequest]],
) -> int:
    """Search all inputs and return grep's exit code: 0 hit, 1 none, 2 error.

    Args:
        request: What is looked for.
        inputs: Videos and stored documents.
        make_tagger: Loads the model, and says what is looked for with it: patterns may become
            words of its. Called only if there is a video.

    Raises:
        UsageError: The options do not go together.
        ModelError: The model can't be loaded, or failed.
    """
    request.check()
    failing = {item: foresee_failure(item.source) for item in inputs.items}
    items = [item for item in inputs.items if failing[item] is None]
    videos = [item.source for item in items if not is_stored(item.source)]
    talk: Talking = "quiet" if request.quiet else "usual"
    display = Display(num_videos=len(videos), talk=talk, is_batch=False)
    printer = _Printer(request, display)
    with display, ExitStack() as stack:
        for failure in (*inputs.failures, *failing.values()):
            if failure is not None:
                display.fail(str(failure))
        if videos:
            tagger, sought = make_tagger(request)
            if not request.quiet:
                for note in tagger.classifier.info.notes:
                    display.say(f"warning: {note.message}", style="yellow")
            for text in sought.patterns.without_label(tagger.labels):
                if not request.quiet:
                    display.say(f"warning: no label of {tagger.classifier.info.model_id} matches "
                                f"'{text}'.")  # fmt: skip
            batch = iter(stack.enter_context(tagger.open(*videos)))
        for item in items:
            if is_stored(item.source):
                _search_stored(item, request, printer, display)
            else:
                _search_video(next(batch), tagger, sought, printer, display)
    others = display.tally.other_files
    if others and not request.quiet:
        display.say(f"{others} JSON file{'s' * (others > 1)} in folders left alone: no results.")
    return exit_code(num_hits=printer.num_hits, num_errors=display.tally.failed)


def take_words(
    load: LoadOptions, request: SearchRequest, tell: Callable[[str], None] | None
) -> tuple[LoadOptions, SearchRequest]:
    """Make words of patterns that are no labels of a model that takes words.

    Args:
        load: The model.
        request: What is looked for.
        tell: Told in a line of each pattern that is now a word.

    Returns:
        The model with these words, and what to look for among them.

    Raises:
        ModelError: The model can't be had.
    """
    if load.labels is not None or not reads_text(load):
        return load, request
    known, patterns = labels_of(load), request.patterns
    new = [
        text for text in patterns.without_label(known) if text.strip() and not _SIGNS.search(text)
    ]
    if not new:
        return load, request
    if tell is not None:
        for text in new:
            tell(f"'{text}' is no label of {load.name}: it is looked for as words of your own.")
    matched = [label for label in known if patterns.match(label)]
    return replace(load, labels=(*new, *matched)), replace(
        request, patterns=_with_words(patterns, new)
    )


def _with_words(patterns: Patterns, new: list[str]) -> Patterns:
    """Look for words as the model has them, and for the other patterns as before."""
    words = compile_patterns([word.label for word in parse_words(new)[0]], exact=True)
    others = [
        (text, expression)
        for text, expression in zip(patterns.texts, patterns.expressions, strict=True)
        if text not in new
    ]
    return Patterns(
        texts=(*words.texts, *(text for text, _ in others)),
        is_exact=patterns.is_exact,
        expressions=(*words.expressions, *(expression for _, expression in others)),
    )


def _search_video(
    video: Tagging, tagger: Tagger, request: SearchRequest, printer: _Printer, display: Display
) -> None:
    matcher = Matcher(request.patterns, min_score=request.min_score, max_count=request.needed)
    display.start(video.name)
    try:
        with held(video.cut):
            for step in video.scored_steps():
                tags = tags_reaching(step.scores, tagger.labels, request.min_score)
                hits = matcher.add(step.start_seconds, step.end_seconds, tags)
                if display.is_live:
                    shown = video.tags_of(step)
                    display.step(shown, video.expected_seconds, tagger.grid.start_seconds)
                printer.hits(video.name, hits)
                if matcher.is_done:
                    break
            printer.hits(video.name, matcher.finish())
            # What was found by then is true; how often in all is not known.
            if video.stopped_seconds is None or request.names_only:
                printer.end(video.name, matcher.num_hits)
    except VideoError as exc:
        display.fail(str(exc))


def _search_stored(
    item: Input, request: SearchRequest, printer: _Printer, display: Display
) -> None:
    for document in read_documents(item, display):
        if isinstance(document, Failure):
            display.fail(document.error.message)
            continue
        found = search_document(
            document, request.patterns, min_score=request.min_score, max_count=request.needed
        )
        name = document.video.path
        printer.hits(name, found.hits)
        printer.end(name, len(found.hits))
        gap = explain_undecided(name, document, found, min_score=request.min_score)
        if gap is not None and not request.quiet:
            display.say(f"warning: {gap}", style="yellow")


def explain_undecided(
    path: str, document: Document, search: Search, *, min_score: float
) -> str | None:
    """Say in one sentence where a stored document can't answer; `None` if it can."""
    if not search.undecided:
        return None
    first = search.undecided[0]
    more = len(search.undecided) - 1
    also = f" and in {more} more stretch{'es' * (more > 1)}" if more else ""
    if document.settings.only is not None:
        return (
            f"{path}: from {first.start_seconds:.3f} to {first.end_seconds:.3f} s{also}, a label "
            f"that is not in this result may reach {min_score:g}; it was made with --only "
            f"{shown(document.settings.only)}."
        )
    return (
        f"{path}: from {first.start_seconds:.3f} to {first.end_seconds:.3f} s{also}, a label "
        f"beyond the stored top {document.settings.top_k} may reach {min_score:g}; tag the video "
        "again with a larger -k, or look in the video itself."
    )


def exit_code(*, num_hits: int, num_errors: int) -> int:
    """Return 0 where something was found, 1 where nothing was, and 2 after any error.

    >>> exit_code(num_hits=1, num_errors=0), exit_code(num_hits=0, num_errors=0)
    (0, 1)
    >>> exit_code(num_hits=1, num_errors=1)
    2
    """
    if num_errors:
        return 2
    return 0 if num_hits else 1
