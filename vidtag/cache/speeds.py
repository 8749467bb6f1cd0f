"""How fast models ran on this machine, noted as they run, so that a list of models can tell.

Whatever fails here costs the note, never the result.
"""

import platform
import time
from dataclasses import dataclass
from pathlib import Path

from vidtag.cache.database import Database
from vidtag.cache.folder import cache_folder

_TABLES = {
    "speeds": "CREATE TABLE speeds (machine TEXT NOT NULL, model TEXT NOT NULL, "
    "engine TEXT NOT NULL, device TEXT NOT NULL, precision TEXT NOT NULL, "
    "windows_per_second REAL NOT NULL, num_windows INTEGER NOT NULL, noted REAL NOT NULL, "
    "PRIMARY KEY (machine, model, engine, device, precision)) WITHOUT ROWID",
}

ENOUGH_WINDOWS = 4
"""Fewer windows say little: a model's first batch, which is not among them, warms it up, and the
second may still wait for the reader."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """What a model did on this machine, the last time that it ran long enough."""

    engine: str
    """`torch` or `openvino`."""

    device: str
    """`cpu`, `cuda:0`, …"""

    precision: str
    """`fp32`, `bf16`, …"""

    windows_per_second: float
    """In the model alone: what reads videos works beside it."""

    num_windows: int
    """How many were timed."""


class SpeedLog:
    """Speeds of this machine's models; a home folder may serve several machines.

    Args:
        folder: Where the file lies; the user's cache where `None`.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.path = (folder or cache_folder()) / "speeds.sqlite3"
        self._database = Database(self.path, version=1, tables=_TABLES)

    def note(self, model_id: str, speed: Speed) -> None:
        """Keep a speed in place of an earlier one of the same model, engine, device, precision."""
        if speed.num_windows < ENOUGH_WINDOWS or not 0 < speed.windows_per_second < 1e9:
            return
        insert = "INSERT OR REPLACE INTO speeds VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        values = (
            *(_machine(), model_id, speed.engine, speed.device, speed.precision),
            *(speed.windows_per_second, speed.num_windows, time.time()),
        )
        self._database.write((insert, values))

    def of(self, model_id: str) -> tuple[Speed, ...]:
        """List the speeds of a model, the fastest first; nothing is made where none is kept."""
        if not self.path.is_file():
            return ()
        rows = self._database.read(
            "SELECT engine, device, precision, windows_per_second, num_windows FROM speeds "
            "WHERE machine = ? AND model = ? ORDER BY windows_per_second DESC",
            *(_machine(), model_id),
        )
        return tuple(
            Speed(
                engine=engine.decode(),
                device=device.decode(),
                precision=precision.decode(),
                windows_per_second=float(rate),
                num_windows=int(count),
            )
            for engine, device, precision, rate, count in rows
        )

    def clear(self) -> None:
        """Forget all of them."""
        if self.path.is_file():
            self._database.clear()

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()


def _machine() -> str:
    return platform.node()


def clear_speeds() -> None:
    """Forget how fast models ran."""
    SpeedLog().clear()
