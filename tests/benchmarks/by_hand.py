"""What a skilled user writes by hand: the stronger yardstick of `speed.py`.

Decode with frame threads, convert and resize sampled frames alone and once, run the model with
SDPA, in bf16 where the processor has it, average, print. Nothing of rotation, damage or odd
timestamps, and no segments: for one good file. Usage: FOLDER VIDEO
"""

import re
import sys
from pathlib import Path

import av
import torch
from transformers import VideoMAEForVideoClassification


def main() -> None:
    """Tag one video."""
    folder, path = sys.argv[1:]
    has_bf16 = re.search(r"avx512_bf16|amx_bf16", Path("/proc/cpuinfo").read_text())
    dtype = torch.bfloat16 if has_bf16 else torch.float32
    model = VideoMAEForVideoClassification.from_pretrained(
        folder, dtype=dtype, attn_implementation="sdpa"
    ).eval()
    mean = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
    std = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
    samples: list[torch.Tensor] = []
    logits: list[torch.Tensor] = []

    def take(frame: av.VideoFrame) -> None:
        scale = 224 / min(frame.width, frame.height)
        width, height = round(frame.width * scale), round(frame.height * scale)
        small = frame.reformat(width, height, format="rgb24", interpolation="BILINEAR").to_ndarray()
        top, left = (height - 224) // 2, (width - 224) // 2
        pixels = torch.from_numpy(small[top : top + 224, left : left + 224]).permute(2, 0, 1)
        samples.append(((pixels / 255 - mean) / std).to(dtype))
        if len(samples) >= 16 and len(samples) % 8 == 0:
            with torch.inference_mode():
                logits.append(model(torch.stack(samples[-16:])[None]).logits[0].float())

    with av.open(path) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        last = None
        for frame in container.decode(stream):
            while last is not None and (len(samples) + 0.5) / 8 < frame.time:
                take(last)
            last = frame
        end = last.time + 1 / stream.average_rate
        while (len(samples) + 0.5) / 8 < end:
            take(last)
    scores = torch.stack(logits).mean(0).softmax(-1)
    top = scores.topk(5)
    for score, index in zip(top.values, top.indices, strict=True):
        sys.stdout.write(f"{model.config.id2label[index.item()]} {score:.3f}\n")


main()
