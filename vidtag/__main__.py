"""The command `vidtag`, also as `python -m vidtag`.

Imports nothing before it can be interrupted.
"""

import os
import sys
from contextlib import suppress

INTERRUPTED = 130
"""What a shell gives for Ctrl-C: 128 and the signal's number."""


def main() -> None:
    """Run the command line and exit; what had to be closed was closed by then."""
    try:
        from vidtag.cli import run

        code = run()
    except KeyboardInterrupt:
        code = INTERRUPTED
    # Python's own exit would take the model apart piece by piece (0.1 s), wait for threads that
    # load one or are blocked in a read, and end by the signal after an interrupt in `exec()`.
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
