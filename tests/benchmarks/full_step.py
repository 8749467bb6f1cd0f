"""What does a step of `vidtag train --full` cost for VideoMAE-base? Random weights will do.

    python tests/benchmarks/full_step.py [--precision fp32|bf16] [--batch 2] [--steps 3]

Prints the seconds of the quickest step (two clips forward, backward, and the update), and the
memory at most. On a CPU without bf16 of its own torch imitates it, which takes minutes:
`--steps 1`.
"""

import argparse
import resource
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402 - the path comes first
import torch  # noqa: E402
from transformers import VideoMAEConfig, VideoMAEForVideoClassification  # noqa: E402

from vidtag.training.descent import Schedule, dropped_paths, make_optimiser  # noqa: E402


def main() -> None:
    """Take some steps and print the quickest one's time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="bf16")
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--steps", type=int, default=3)
    asked = parser.parse_args()
    torch.manual_seed(0)
    model = VideoMAEForVideoClassification(VideoMAEConfig(num_labels=10)).train()
    optimiser = make_optimiser(model, Schedule(num_steps=3, rate=1e-4, warm_up=1))
    clips, targets = torch.randn(asked.batch, 16, 3, 224, 224), torch.zeros(asked.batch).long()
    seconds = []
    with dropped_paths(model, 0.1) as set_luck:
        for step in range(asked.steps):
            began = time.perf_counter()
            set_luck(np.random.default_rng(step))
            optimiser.zero_grad(set_to_none=True)
            # As training does, but also where the CPU has no bf16, and training refuses.
            with torch.autocast("cpu", torch.bfloat16, enabled=asked.precision == "bf16"):
                logits = model(pixel_values=clips).logits
            torch.nn.functional.cross_entropy(logits.float(), targets).backward()
            optimiser.step()
            seconds.append(time.perf_counter() - began)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    sys.stdout.write(
        f"| VideoMAE-base, a step of {asked.batch} clips in {asked.precision} | "
        f"{min(seconds):.1f} s | {peak:.2f} GiB at most |\n"
    )


if __name__ == "__main__":
    main()
