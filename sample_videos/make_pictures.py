"""Make the pictures on top of the README: a terminal, and a page.

    python sample_videos/make_pictures.py

Runs the commands that they show, in a terminal of 80 columns, and draws what came; the page is
photographed by chromium, which must be there.
"""

import io
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image
from rich.console import Console
from rich.text import Text

HERE = Path(__file__).parent
COLUMNS, ROWS = 80, 40
COMMANDS = ("vidtag sample_videos/park_workout.mp4 -m demo", "vidtag sample_videos/ -m demo")
"""What the terminal shows, one below the other."""

PAGE = "park_workout.mp4"
PAGE_SIZE = (1200, 1180)
"""Of the part of the page that is shown, in CSS pixels: down to the moments."""

_WIDTH = 1000
"""Pixels of the page's picture."""


def run_in_terminal(command: str) -> str:
    """Run a command on a terminal of its own; return what stands there at its end."""
    main, other = pty.openpty()
    # TIOCSWINSZ: what a terminal's window tells of its size.
    import fcntl
    import termios

    fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    plain = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS", "LINES")}
    words = [sys.executable, "-m", *command.split()]
    process = subprocess.Popen(
        words, stdin=other, stdout=other, stderr=other, cwd=HERE.parent,
        env={**plain, "TERM": "xterm-256color", "COLORTERM": "truecolor", "VIDTAG_CONFIG": ""},
    )  # fmt: skip
    os.close(other)
    shown = b""
    while True:
        try:
            data = os.read(main, 65536)
        except OSError:  # the other end is closed
            break
        if not data:
            break
        shown += data
    os.close(main)
    if process.wait() != 0:
        raise SystemExit(f"{command} failed: {shown.decode(errors='replace')}")
    return screen_of(shown.decode())


def screen_of(output: str) -> str:
    """Leave out what was drawn over, as a terminal would: live views, which are cleared away."""
    lines: list[str] = [""]
    row = 0
    for part in re.split(r"(\r\n|\n|\r|\x1b\[\d*A|\x1b\[2K|\x1b\[\?25[hl])", output):
        if part in ("\r\n", "\n"):
            row += 1
            if row == len(lines):
                lines.append("")
        elif up := re.fullmatch(r"\x1b\[(\d*)A", part):
            row = max(0, row - int(up[1] or 1))
        elif part == "\x1b[2K":
            lines[row] = ""
        elif part and part != "\r" and not part.startswith("\x1b[?25"):
            lines[row] += part
    return "\n".join(lines).rstrip()


def draw_terminal(path: Path) -> None:
    """Draw the commands and what they print."""
    console = Console(
        record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True,
        color_system="truecolor", highlight=False,
    )  # fmt: skip
    for number, command in enumerate(COMMANDS):
        if number:
            console.print()
        console.print(Text(f"$ {command}", style="bold green"))
        console.print(Text.from_ansi(run_in_terminal(command)))
    svg = console.export_svg(title="vidtag", unique_id="vidtag")
    path.write_text("\n".join(line.rstrip() for line in svg.splitlines()) + "\n")


def photograph_page(path: Path) -> None:
    """Make a page and take a picture of its beginning."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        raise SystemExit("chromium is missing; install it for the picture of the page.")
    with tempfile.TemporaryDirectory() as folder:
        page, shot = Path(folder, "page.html"), Path(folder, "page.png")
        video = HERE / PAGE
        command = [sys.executable, "-m", "vidtag", str(video), "-m", "demo", "-q"]
        subprocess.run(
            [*command, "-f", "html", "--embed-video", "-o", str(page)], cwd=folder, check=True,
            env={**os.environ, "VIDTAG_CONFIG": ""},
        )  # fmt: skip
        size = ",".join(map(str, PAGE_SIZE))
        subprocess.run(
            [browser, "--headless", "--no-sandbox", "--hide-scrollbars", f"--window-size={size}",
             "--virtual-time-budget=4000", f"--screenshot={shot}", page.as_uri()],
            check=True, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        picture = Image.open(shot).convert("RGB")
        picture.thumbnail((_WIDTH, _WIDTH * 2), Image.Resampling.LANCZOS)
        picture.save(path, quality=84, optimize=True)


if __name__ == "__main__":
    draw_terminal(HERE / "terminal.svg")
    photograph_page(HERE / "page.jpg")
