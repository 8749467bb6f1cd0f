"""What the Hugging Face documentation would have you write: the yardstick of `speed.py`.

Decode everything, slice windows of two seconds every second, run the image processor and the
model on one window after the other in fp32, average, print. Usage: FOLDER VIDEO
"""

import sys

import av
import numpy as np
import torch
from transformers import AutoImageProcessor, VideoMAEForVideoClassification


def main() -> None:
    """Tag one video."""
    folder, path = sys.argv[1:]
    processor = AutoImageProcessor.from_pretrained(folder)
    model = VideoMAEForVideoClassification.from_pretrained(folder)
    frames, times = [], []
    with av.open(path) as container:
        for frame in container.decode(video=0):
            frames.append(frame.to_ndarray(format="rgb24"))
            times.append(float(frame.time))
    logits = []
    for start in range(max(1, int(times[-1] - 2 + 1.5))):
        wanted = start + (np.arange(16) + 0.5) / 8
        indices = np.clip(np.searchsorted(times, wanted, side="right") - 1, 0, len(frames) - 1)
        inputs = processor([frames[i] for i in indices], return_tensors="pt")
        with torch.no_grad():
            logits.append(model(**inputs).logits[0])
    scores = torch.stack(logits).mean(0).softmax(-1)
    top = scores.topk(5)
    for score, index in zip(top.values, top.indices, strict=True):
        sys.stdout.write(f"{model.config.id2label[index.item()]} {score:.3f}\n")


main()
