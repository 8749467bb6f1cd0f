"""The command `vidtag`, also as `python -m vidtag`.

Imports nothing before it can be interrupted.
"""

import os
import sys
from contextlib import suppress

INTERRUPTED = 130
"""What a shell gives for Ctrl-C: 128 and the signal's number."""


def main() -> None:
    """Run the command line and exit."""
    try:
        from vidtag.cli import run

        code = run()
    except KeyboardInterrupt:
        code = INTERRUPTED
    if code == INTERRUPTED:
        # Python's own exit would wait for threads that load a model or are blocked in a read, and
        # after an interrupt within `exec()` it ends by the signal, without this code.
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError):
                stream.flush()
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    main()
