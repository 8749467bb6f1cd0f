"""The command `vidtag` with a classifier that reads drawn numbers, to be run as a process.

Tells on stderr what was scored. `FRAMES` stops reading behind so many frames, and `SCORED` the
model behind so many windows.
"""

import os
import sys
import threading

import numpy as np
from fake_classifier import FakeClassifier

import vidtag.cli.cut_run
import vidtag.cli.tag_run
import vidtag.cli.watch_run
import vidtag.tagging.tagger
from vidtag.__main__ import main

FOREVER = 1_000_000


class Classifier(FakeClassifier):
    num_frames_read = int(os.environ.get("FRAMES", FOREVER))
    num_scored = int(os.environ.get("SCORED", FOREVER))

    def prepare(self, image: np.ndarray) -> np.ndarray:
        if self.num_prepared == self.num_frames_read:
            tell("waiting")
            threading.Event().wait()
        return super().prepare(image)

    def logits(self, clips: np.ndarray) -> np.ndarray:
        logits = super().logits(clips)
        tell(f"scored {len(self.clips)}")
        if len(self.clips) == self.num_scored:
            threading.Event().wait()
        return logits


def tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


for module in (vidtag.cli.cut_run, vidtag.cli.tag_run, vidtag.cli.watch_run, vidtag.tagging.tagger):
    module.load_classifier = lambda *_: Classifier()  # type: ignore[attr-defined]
main()
