"""What takes results, one after the other: the one face of all kinds of output.

Knows neither files nor formats; `folder` and `one_file` have those.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Protocol, Self

from vidtag.documents.records import Document, Failure, StepRecord
from vidtag.inputs.found import Input
from vidtag.outputs.fingerprint import ContentId
from vidtag.stopping import held
from vidtag.tagging.recipe import Fingerprint


class Outputs(Protocol):
    """Takes results, one after the other."""

    @property
    def num_files(self) -> int:
        """How many files were written."""

    def is_done(self, item: Input, fingerprint: Fingerprint, content_id: ContentId) -> bool:
        """Tell whether `--skip-existing` leaves this input alone: all its files are there.

        To be asked of all inputs before the first `write`.

        Args:
            item: One of the inputs.
            fingerprint: How results must have been made.
            content_id: Hashes a local file. Asked only for files that have results.
        """

    @property
    def takes_steps(self) -> bool:
        """Whether `step` does anything."""

    def step(self, name: str, step: StepRecord) -> None:
        """Take a step of a video as soon as it is known.

        Args:
            name: The video, as documents name it.
            step: What will stand in its document.
        """

    def write(self, item: Input, result: Document | Failure) -> None:
        """Write a result as soon as it is there; a failure leaves no file.

        Raises:
            OutputError: It can't be written; no half file is left.
        """

    def close(self) -> None:
        """Finish, also after an interruption: what was written stays.

        Raises:
            OutputError: The file for all videos can't be written; its journal is kept.
        """

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class Closing:
    """Closes at the end of a `with` block, whatever ends it."""

    num_files = 0
    takes_steps = False

    def step(self, name: str, step: StepRecord) -> None:
        """Wait for the result: files are written whole."""

    def close(self) -> None:
        """Finish; each kind of output has its own way."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with held():  # what is put together at the end is put together whole
            self.close()


class SeveralOutputs(Closing):
    """Passes results on to several outputs.

    Args:
        outputs: At least one.
    """

    def __init__(self, outputs: Sequence[Outputs]) -> None:
        self._outputs = outputs

    @property
    def num_files(self) -> int:  # type: ignore[override]
        """How many files were written."""
        return sum(one.num_files for one in self._outputs)

    def is_done(self, item: Input, fingerprint: Fingerprint, content_id: ContentId) -> bool:
        """Tell whether all of them have this input; each is asked."""
        asked = [one.is_done(item, fingerprint, content_id) for one in self._outputs]
        return all(asked)

    def write(self, item: Input, result: Document | Failure) -> None:
        """Write a result to each.

        Raises:
            OutputError: One of them can't be written.
        """
        for one in self._outputs:
            one.write(item, result)

    def close(self) -> None:
        """Finish all of them, whatever becomes of the others.

        Raises:
            OutputError: One of them can't be finished.
        """
        with ExitStack() as stack:
            for one in reversed(self._outputs):
                stack.callback(one.close)
