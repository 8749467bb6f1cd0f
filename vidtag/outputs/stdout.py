"""Results on stdout, each as soon as it is known; a table for a person, or a format."""

import sys

from vidtag.documents.json import to_json
from vidtag.documents.records import Document, Failure
from vidtag.errors import UsageError
from vidtag.formats import FORMATS, Format
from vidtag.inputs.found import Input
from vidtag.outputs.made import ContentId, Fingerprint
from vidtag.outputs.sink import Closing
from vidtag.stopping import held
from vidtag.terminal import check_stdout, printing

TABLE = "table"


class StdoutOutputs(Closing):
    """Results on stdout, each flushed as soon as it is known.

    Args:
        name: A format, or `table`.
        is_many: Whether several inputs may come.
    """

    def __init__(self, name: str, *, is_many: bool) -> None:
        self._format: Format | None = None if name == TABLE else FORMATS[name]
        self._is_many = is_many
        self._kept: list[Document | Failure] = []
        check_stdout()
        if self._format is not None and is_many and not self._format.joins:
            raise UsageError(
                f"-f {name} holds one video per file: give -o FOLDER for several videos."
            )
        if self._format is not None:
            # JSON is UTF-8 whatever the locale says (RFC 8259, section 8.1); so are the others.
            sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
            if is_many and self._format.append is not None:
                with printing():
                    sys.stdout.write(self._format.write([]))
        else:
            sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]

    def is_done(self, item: Input, fingerprint: Fingerprint, content_id: ContentId) -> bool:
        """Tell that nothing was printed before."""
        return False

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # What is finished is kept, also where the rest was given up.
        if kind is None or issubclass(kind, KeyboardInterrupt):
            with held():
                self.close()

    def write(self, item: Input, result: Document | Failure) -> None:
        """Print a result, or keep it for a format that needs all of them."""
        with printing():
            self._write(result)

    def _write(self, result: Document | Failure) -> None:
        if self._format is None:
            if isinstance(result, Document):
                self._print_table(result)
        elif self._format.name == "json" and not self._is_many and sys.stdout.isatty():
            sys.stdout.write(to_json(result, indent=2) + "\n")
        elif self._is_many and self._format.append is not None:
            sys.stdout.write(self._format.append(result))
        elif self._is_many:
            self._kept.append(result)
        elif isinstance(result, Document) or self._format.name == "json":
            sys.stdout.write(self._format.write([result]))

    def close(self) -> None:
        """Print what was kept."""
        if self._kept and self._format is not None:
            with printing():
                sys.stdout.write(self._format.write(self._kept))

    def _print_table(self, document: Document) -> None:
        from vidtag.formats.table import print_table, to_text

        if sys.stdout.isatty():
            print_table(document)
        else:
            sys.stdout.write(to_text(document))
        if self._is_many:
            sys.stdout.write("\n")
