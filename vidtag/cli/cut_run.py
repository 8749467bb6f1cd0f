"""`vidtag cut` at work: documents, stored or made now, then clips of what they say."""

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction

from vidtag.cache.scores import ScoreStore
from vidtag.cli.display import Display
from vidtag.cli.stored_inputs import is_stored, read_documents
from vidtag.cutting.hits import Hit, find_hits
from vidtag.cutting.making import ClipFolder, ClipRecord, CutWishes, make_reel
from vidtag.documents.json import to_json
from vidtag.documents.records import Document
from vidtag.errors import ExitCode, OutputError, UsageError, VideoError, VideoOpenError
from vidtag.inputs.foresight import foresee_failure
from vidtag.inputs.found import Input, Inputs
from vidtag.models.load import load_classifier
from vidtag.models.options import LoadOptions
from vidtag.outputs.atomic import check_writable_file
from vidtag.outputs.destination import is_folder
from vidtag.outputs.replacing import find_read, is_media_name, refuse_to_destroy
from vidtag.search.matching import Patterns
from vidtag.stopping import check
from vidtag.tagging.settings import Settings
from vidtag.tagging.tagger import Tagger
from vidtag.terminal import printing
from vidtag.text import printable
from vidtag.urls import is_url, without_credentials
from vidtag.video.cutting import Way

REEL_SUFFIXES = (".mp4", ".m4v", ".mov", ".mkv")
"""What a reel may end in; exact ones are MP4."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CutRequest:
    """What is cut out, and what is made of it."""

    patterns: Patterns
    folder: str | None
    reel: str | None
    exact: bool
    pad: Fraction
    stills: bool
    force: bool
    as_json: bool
    quiet: bool

    def check(self, inputs: Inputs) -> None:
        """Refuse what does not go together.

        Raises:
            UsageError: It does not.
        """
        if self.folder is not None and is_media_name(self.folder):
            raise UsageError(
                f"-o {self.folder}: clips go to a folder; --reel {self.folder} makes one file of "
                "all hits."
            )
        if self.reel is None:
            return
        suffix = os.path.splitext(self.reel)[1].lower()
        known = (".mp4", ".m4v", ".mov") if self.exact else REEL_SUFFIXES
        if is_folder(self.reel) or suffix not in known:
            raise UsageError(f"--reel {self.reel}: name a file that ends in {', '.join(known)}.")
        read = find_read(item.source for item in inputs.items)
        refuse_to_destroy([self.reel], read, makes_media=True)
        check_writable_file(self.reel)


def run_cut(
    request: CutRequest,
    inputs: Inputs,
    load: LoadOptions,
    settings: Settings,
    store: ScoreStore | None,
) -> int:
    """Cut the hits out of all inputs and return the exit code.

    Raises:
        UsageError: The options do not go together.
        OutputError: Nothing can be written.
        ModelError: The model can't be loaded, or failed.
    """
    request.check(inputs)
    failing = {item: _foresee(item.source) for item in inputs.items}
    items = [item for item in inputs.items if failing[item] is None]
    videos = [item for item in items if not is_stored(item.source)]
    display = Display(
        num_videos=len(videos), talk="quiet" if request.quiet else "usual", is_batch=False
    )
    for failure in (*inputs.failures, *failing.values()):
        if failure is not None:
            display.fail(str(failure))
    with display, ExitStack() as stack:
        way: Way = "exact" if request.exact else "copy"
        folder = None
        if request.folder is not None:
            wishes = CutWishes(way=way, stills=request.stills, force=request.force)
            folder = ClipFolder(request.folder, wishes)
            stack.callback(folder.close)
        tagger = None
        if videos:
            classifier = load_classifier(load, display.note, display.advance)
            tagger = Tagger(classifier, settings, store=store)
        maker = _Maker(request, folder, display)
        for document in _documents(items, tagger, display):
            maker.take(document)
        maker.finish_reel()
        maker.sum_up()
    if not maker.num_files:
        return ExitCode.FAILED
    return ExitCode.SOME_FAILED if display.tally.failed else ExitCode.DONE


def _foresee(source: str) -> VideoError | None:
    """Tell what can't be cut before it is tagged: what is no file can't be read twice."""
    if not is_stored(source) and (source == "-" or is_url(source)):
        shown = without_credentials(source)
        message = f"'{shown}' is no file, so clips can't be cut out of it; save it first."
        return VideoOpenError(shown, "not_a_file", message)
    return foresee_failure(source)


def _documents(items: list[Input], tagger: Tagger | None, display: Display) -> Iterator[Document]:
    """Yield the documents of all inputs, in their order."""
    with ExitStack() as stack:
        videos = [item.source for item in items if not is_stored(item.source)]
        batch = None
        if tagger is not None:
            batch = iter(stack.enter_context(tagger.open(*videos)))
        for item in items:
            if is_stored(item.source):
                for result in read_documents(item, display):
                    if isinstance(result, Document):
                        yield result
                    else:
                        display.fail(result.error.message)
                continue
            assert batch is not None
            assert tagger is not None
            video = next(batch)
            display.start(video.name)
            try:
                for step in video:
                    check()
                    display.step(step, video.expected_seconds, tagger.grid.start_seconds)
                document = video.document()
            except VideoError as exc:
                display.fail(str(exc))
                continue
            display.finish(video.name, document)
            yield document


class _Maker:
    """Makes the files, and keeps count."""

    def __init__(self, request: CutRequest, folder: ClipFolder | None, display: Display) -> None:
        self.num_hits = 0
        """Hits that were found."""
        self._request = request
        self._folder = folder
        self._display = display
        self._reel: list[tuple[str, tuple[Hit, ...]]] = []
        self._early: list[float] = []
        self._late: list[float] = []
        self.num_files = 0
        """Files that were made."""

    def take(self, document: Document) -> None:
        """Cut the hits of a video out; what fails is told, and costs the others nothing."""
        hits = find_hits(document, self._request.patterns, self._request.pad)
        if not hits:
            return
        self.num_hits += len(hits)
        try:
            if self._folder is not None:
                self._folder.make(document, hits, self._tell, self._display.fail)
            elif not os.path.isfile(document.video.path):
                raise VideoOpenError.missing(document.video.path)
        except VideoError as exc:
            self._display.fail(str(exc))
            return
        except OutputError as exc:
            if exc.costs_all:
                raise
            self._display.fail(str(exc))
            return
        self._reel.append((document.video.path, hits))

    def finish_reel(self) -> None:
        """Join all hits into one file."""
        reel = self._request.reel
        if reel is None or not self._reel:
            return
        try:
            make_reel(reel, self._reel, "exact" if self._request.exact else "copy")
        except VideoError as exc:
            self._display.fail(str(exc))
            return
        self.num_files += 1
        if not self._request.as_json:
            self._print(reel)

    def sum_up(self) -> None:
        """Say what came of it, and how far from the hits copies begin and end."""
        if self._request.quiet:
            return
        if not self.num_hits:
            self._display.say("No segment matches; vidtag labels lists what a model can name.")
            return
        said = f"{self.num_hits} hit{'s' * (self.num_hits > 1)}, {self.num_files} file"
        said += "s" * (self.num_files != 1)
        early, late = max(self._early, default=0.0), max(self._late, default=0.0)
        if early >= 0.001 or late >= 0.001:
            said += f"; cut at key frames, clips begin up to {early:.2f} s early and end up to "
            said += f"{late:.2f} s late (--exact cuts at the frame)"
        self._display.say(f"{said}.")

    def _tell(self, clip: ClipRecord) -> None:
        self.num_files += 1
        if clip.clip_end_seconds is not None and not self._request.exact:
            pad = float(self._request.pad)
            self._early.append(max(0.0, clip.start_seconds - pad) - clip.clip_start_seconds)
            self._late.append(clip.clip_end_seconds - clip.end_seconds - pad)
        self._print(to_json(clip) if self._request.as_json else clip.path)

    def _print(self, line: str) -> None:
        is_terminal = sys.stdout.isatty() and not self._request.as_json
        with self._display.paused(), printing():
            sys.stdout.write(f"{printable(line) if is_terminal else line}\n")
