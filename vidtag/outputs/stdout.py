"""Results on stdout, each as soon as it is known."""

import io
import sys
from collections.abc import Sequence

from vidtag.documents.records import Document, Failure, StepRecord
from vidtag.errors import UsageError
from vidtag.formats import Format
from vidtag.inputs.found import Input, Inputs
from vidtag.outputs.fingerprint import ContentId
from vidtag.outputs.output import Closing
from vidtag.stopping import held
from vidtag.tagging.recipe import Fingerprint
from vidtag.terminal import check_stdout, mend_signs, printing


class StdoutOutputs(Closing):
    """Results on stdout, each flushed as soon as it is known.

    Args:
        one: What they are written as.
        inputs: What will be tagged.
    """

    def __init__(self, one: Format, inputs: Inputs) -> None:
        self._format = one
        self._is_many = is_many = inputs.is_many
        self._names = tuple(item.source for item in inputs.items)
        self._has_shown = False
        self.takes_steps = one.write_step is not None
        self._kept: list[Document | Failure] = []
        check_stdout()
        if is_many and not one.joins and not one.is_for_people:
            raise UsageError(
                f"-f {one.name} holds one video per file: give -o FOLDER for several videos."
            )
        if not one.is_text and sys.stdout.isatty():
            raise UsageError(
                f"{one.name} is no text that a terminal could show: add -o all{one.suffix}, or "
                "redirect standard output."
            )
        if one.is_for_people:
            if isinstance(sys.stdout, io.TextIOWrapper):
                mend_signs(sys.stdout, keeps=False)
            return
        # JSON is UTF-8 whatever the locale says (RFC 8259, section 8.1); so are the others.
        sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
        if is_many and one.append is not None:
            with printing():
                sys.stdout.write(one.write([]))

    def is_done(self, item: Input, fingerprint: Fingerprint, content_id: ContentId) -> bool:
        """Tell that nothing was printed before."""
        return False

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # What is finished is kept, also where the rest was given up.
        if kind is None or issubclass(kind, KeyboardInterrupt):
            with held():
                self.close()

    def step(self, name: str, step: StepRecord) -> None:
        """Print a step at once, where the format is one for that."""
        if self._format.write_step is not None:
            with printing():
                sys.stdout.write(self._format.write_step(name, step))

    def write(self, item: Input, result: Document | Failure) -> None:
        """Print a result, or keep it for a format that needs all of them."""
        with printing():
            self._write(result)

    def _write(self, result: Document | Failure) -> None:
        one = self._format
        is_one_of_many = self._is_many and not one.is_for_people
        if one.write_end is not None:
            sys.stdout.write(one.write_end(result))
        elif is_one_of_many and one.append is not None:
            sys.stdout.write(one.append(result))
        elif is_one_of_many:
            self._kept.append(result)
        elif isinstance(result, Failure) and not one.names_failures:
            return
        elif self._is_many and one.show_among is not None and sys.stdout.isatty():
            one.show_among(result, self._names, not self._has_shown)
            self._has_shown = True
            return
        elif one.show is not None and sys.stdout.isatty():
            one.show(result)
        else:
            self._put([result])
        if self._is_many and one.is_for_people:
            sys.stdout.write("\n")

    def close(self) -> None:
        """Print what was kept."""
        if self._kept:
            with printing():
                self._put(self._kept)

    def _put(self, results: Sequence[Document | Failure]) -> None:
        one = self._format
        if one.is_text:
            sys.stdout.write(one.write(results))
        else:
            sys.stdout.buffer.write(one.to_bytes(results))
