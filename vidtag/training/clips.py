"""Clips to learn from, kept in a file while a training runs: read once, taken in any order.

Owns the working folder beside the model, in which checkpoints lie as well. It is removed at the
end, and found again by the same command after a kill.
"""

import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.lib.format as npy
import numpy.typing as npt

from vidtag.errors import OutputError, UsageError, VidtagError
from vidtag.version import __version__

_CLIPS, _FACTS = "clips.npy", "facts.json"

_OWN = re.compile(r"(clips|facts|read|checkpoint)\.(npy|npz|json|pt|partial)")
"""Names of what a training keeps; all else is somebody's own."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WorkFolder:
    """Where a training keeps what it needs to go on after a kill."""

    path: Path
    """Beside the model's folder, under a name of its own."""

    @classmethod
    def of(cls, folder: str) -> "WorkFolder":
        """Name the working folder of a model; it lies where the model does, through links."""
        target = Path(os.path.realpath(folder))
        return cls(path=target.with_name(f"{target.name}.training"))

    def open(self, facts: Mapping[str, object], videos: Iterable[str]) -> bool:
        """Make the folder; what another training left there is removed.

        Args:
            facts: All that shapes what this one does, but for the videos' content.
            videos: The videos, which count as they are now.

        Returns:
            Whether it goes on with what the same training left.

        Raises:
            UsageError: Something of the user's is in it.
            OutputError: It can't be made.
        """
        # What another version left may mean something else to this one.
        known = [__version__, facts, [_stamp(one) for one in videos]]
        text = json.dumps(known, sort_keys=True, default=str)
        try:
            if (self.path / _FACTS).is_file() and (self.path / _FACTS).read_text() == text:
                return True
            self._refuse_others()
            shutil.rmtree(self.path, ignore_errors=True)
            self.path.mkdir(parents=True)
            (self.path / _FACTS).write_text(text)
        except OSError as exc:
            raise OutputError(
                str(self.path), f"Can't write '{self.path}': {exc.strerror}."
            ) from exc
        return False

    def _refuse_others(self) -> None:
        """Refuse a folder that only happens to have this name, and would be removed."""
        if not self.path.is_dir():
            return
        other = next((one for one in os.listdir(self.path) if not _OWN.fullmatch(one)), None)
        if other is not None:
            raise UsageError(
                f"'{self.path}' is where a training keeps what it goes on from, but '{other}' of "
                "something else is in it; rename that folder, or name another one for the model."
            )

    def remove(self) -> None:
        """Remove it with all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)

    @property
    def has_clips(self) -> bool:
        """Whether all clips were read."""
        return (self.path / _CLIPS).is_file()

    def clips(
        self,
        shape: tuple[int, ...],
        read: Callable[[], Iterable[npt.NDArray[np.uint8]]],
    ) -> npt.NDArray[np.uint8]:
        """Give all clips, `(N, T, S, S, 3)` uint8, of which those that are needed are read.

        Args:
            shape: Of one clip.
            read: Reads them from the videos; called unless an earlier run had read all.

        Raises:
            VidtagError: What reading them raises.
            OutputError: The disk is full.
        """
        path = self.path / _CLIPS
        if not path.is_file():
            partial = path.with_suffix(".partial")
            try:
                count = _write_rows(partial, shape, read())
            except OSError as exc:
                if isinstance(exc, VidtagError):  # a video that can't be opened, say
                    raise
                raise OutputError(
                    str(path), f"Can't write '{path}': {exc.strerror}; make room for the clips."
                ) from exc
            _finish_header(partial, (count, *shape))
            partial.replace(path)
        clips: npt.NDArray[np.uint8] = np.load(path, mmap_mode="r")
        return clips


def _stamp(path: str) -> list[object]:
    """Say what tells a file from what it was before."""
    try:
        info = Path(path).stat()
    except OSError:  # an address, or missing
        return [path]
    return [path, info.st_size, info.st_mtime_ns]


_HEADER_BYTES = 128
"""Room for the header of a .npy file, whose length is known at the end alone."""


def _write_rows(path: Path, shape: tuple[int, ...], rows: Iterable[npt.NDArray[np.uint8]]) -> int:
    count = 0
    with open(path, "wb") as file:
        file.write(b"\0" * _HEADER_BYTES)
        for row in rows:
            if row.shape != shape:
                raise ValueError(f"a clip is {row.shape} and not {shape}")
            file.write(np.ascontiguousarray(row).tobytes())
            count += 1
    return count


def _finish_header(path: Path, shape: tuple[int, ...]) -> None:
    """Write the header of a .npy file (version 1.0) into the room that was left for it."""
    header = str({"descr": npy.dtype_to_descr(np.dtype(np.uint8)), "fortran_order": False,
                  "shape": shape})  # fmt: skip
    room = _HEADER_BYTES - 10
    with open(path, "r+b") as file:
        file.write(npy.magic(1, 0) + room.to_bytes(2, "little"))
        file.write((header.ljust(room - 1) + "\n").encode("latin-1"))


def batches(
    targets: npt.NDArray[np.int64], size: int, seed: int, num_steps: int
) -> Iterator[npt.NDArray[np.int64]]:
    """Draw the clips of each step, every class as often: `(size,)` places.

    What a step gets follows from the seed and its number alone, so that a training which goes on
    gets what it would have got.
    """
    places = [np.flatnonzero(targets == target) for target in np.unique(targets)]
    for step in range(num_steps):
        rng = np.random.default_rng([seed, step, 0])
        classes = rng.permutation(np.resize(rng.permutation(len(places)), size))
        yield np.array([rng.choice(places[k]) for k in classes])
