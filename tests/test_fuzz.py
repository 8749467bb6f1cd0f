"""Damaged files: each is decoded to its end, or ends in a `VidtagError`.

Small valid videos in eight containers are damaged by seeded byte flips, truncations,
insertions and edits of size fields. Batches run in processes of their own, with limits on time
and memory, so that a crash or a hang is seen and names its seed.

    VIDTAG_FUZZ=5000 pytest tests/test_fuzz.py
    python tests/test_fuzz.py --fuzz 20000 --first-seed 0
    python tests/test_fuzz.py --keep 4711 /tmp/seed_4711    # write one damaged file
"""

import argparse
import collections
import contextlib
import faulthandler
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest

TIME_LIMIT_SECONDS = 20
"""For one file; the slowest takes a fraction of a second on an idle machine."""

MEMORY_LIMIT_BYTES = 4 << 30
"""Of address space; decoder threads reserve more than they use."""

GROWTH_LIMIT_BYTES = 192 << 20
"""Of a batch's resident memory after its first files. Damaged sizes make single files take
more, which the allocator keeps; a leak of one picture for each file would exceed it."""

BATCH_SIZE = 100
NUM_NORMAL = 320


def make_seeds(folder: Path) -> list[Path]:
    """Write the valid videos, one for each container."""
    from make_video import make_video

    tiny = {"num_frames": 12, "size": (64, 48), "fps": 10}
    return [
        make_video(folder / "seed.mp4", rotation=90, options={"bf": "2", "g": "6"}, **tiny),
        make_video(folder / "seed.mkv", options={"bf": "2", "g": "6"}, audio_seconds=1, **tiny),
        make_video(folder / "seed.webm", codec="libvpx", **tiny),
        make_video(folder / "seed.avi", codec="mpeg4", options={"bf": "2", "g": "6"}, **tiny),
        make_video(folder / "seed.ts", options={"g": "6"}, **tiny),
        make_video(folder / "seed.flv", codec="flv", **tiny),
        make_video(folder / "seed.gif", codec="gif", pix_fmt="rgb8", **tiny),
        make_video(folder / "seed.mxf", codec="mpeg2video", **tiny | {"fps": 25}),
    ]


def damage(data: bytes, seed: int) -> bytes:
    """Damage a file; the same seed does the same."""
    rng = random.Random(seed)
    kind = rng.choice(["flips", "head flips", "cut", "insert", "sizes", "mixed"])
    result = bytearray(data)
    if kind in {"flips", "mixed"}:
        for _ in range(rng.randint(1, 40)):
            result[rng.randrange(len(result))] ^= 1 << rng.randrange(8)
    if kind == "head flips":
        for _ in range(rng.randint(1, 8)):
            result[rng.randrange(min(512, len(result)))] = rng.randrange(256)
    if kind in {"sizes", "mixed"}:
        for _ in range(rng.randint(1, 4)):
            _edit_size(result, rng)
    if kind == "insert":
        for _ in range(rng.randint(1, 4)):
            place = rng.randrange(len(result) + 1)
            result[place:place] = rng.randbytes(rng.randint(1, 64))
    if kind in {"cut", "mixed"}:
        del result[rng.randrange(len(result)) :]
    return bytes(result)


def _edit_size(data: bytearray, rng: random.Random) -> None:
    """Put an extreme number where a size may be: before a box's name, or anywhere."""
    names = [b"moov", b"trak", b"stts", b"stsz", b"stsc", b"stco", b"ctts", b"avcC", b"mdat"]
    names += [b"tkhd", b"mdhd", b"mvhd", b"elst", b"stsd", b"avc1", b"LIST", b"strh", b"idx1"]
    places = [data.find(name) - 4 for name in names if data.find(name) >= 4]
    offset = rng.choice([0, 0, 8, 12, 16]) if places else 0
    place = rng.choice(places) + offset if places else rng.randrange(len(data))
    value = rng.choice([0, 1, 7, 8, 0x7FFFFFFF, 0xFFFFFFFF, 0x80000000, rng.getrandbits(32)])
    width = rng.choice([1, 2, 4, 4])
    data[place : place + width] = (value & (1 << 8 * width) - 1).to_bytes(width, "big")


def check(path: Path, seed: int) -> str:
    """Read a damaged file to its end; name what came out."""
    from vidtag.errors import VIDEO_ERROR_CODES, VIDEO_WARNING_CODES, VideoError
    from vidtag.video import Part, Video

    options = Part()
    if seed % 5 == 0:
        options = Part(start=Fraction(1, 3), end=Fraction(2, 3) if seed % 2 else None)
    try:
        with Video(path, options) as video:
            last = None
            for index, frame in enumerate(video.frames()):
                assert last is None or frame.seconds >= last, "time runs backwards"
                last = frame.seconds
                if index % 4 == 0:
                    image = frame.to_rgb()
                    assert image.ndim == 3, image.shape
                    assert image.flags.c_contiguous
            assert last is not None, "neither frames nor an error"
            info = video.info()
            assert info.duration_seconds >= last >= 0
            assert info.num_frames > 0
            codes = [notice.code for notice in video.notices()]
            assert len(set(codes)) == len(codes)
            assert set(codes) <= set(VIDEO_WARNING_CODES)
            return "warnings" if codes else "clean"
    except VideoError as exc:
        error = exc
    assert error.code in VIDEO_ERROR_CODES, error.code
    assert str(error).endswith("."), str(error)
    return error.code


def resident_bytes() -> int:
    """Return this process's resident memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def run_batch(seeds: list[Path], first: int, count: int) -> dict[str, object]:
    """Check some damaged files in this process."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT_BYTES, MEMORY_LIMIT_BYTES))
    outcomes: collections.Counter[str] = collections.Counter()
    contents = [path.read_bytes() for path in seeds]
    slowest = 0.0
    warm = 0
    with tempfile.TemporaryDirectory() as folder:
        for number, seed in enumerate(range(first, first + count)):
            if number == count // 4:
                warm = resident_bytes()
            index = seed % len(seeds)
            path = Path(folder) / f"{seed}{seeds[index].suffix}"
            path.write_bytes(damage(contents[index], seed))
            sys.stderr.write(f"{seed}\n")
            sys.stderr.flush()
            faulthandler.dump_traceback_later(TIME_LIMIT_SECONDS, exit=True)
            start = time.monotonic()
            outcomes[check(path, seed)] += 1
            slowest = max(slowest, time.monotonic() - start)
            faulthandler.cancel_dump_traceback_later()
            path.unlink()
    return {
        "outcomes": outcomes,
        "slowest_seconds": slowest,
        "growth_bytes": resident_bytes() - warm,
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def run_batches(first: int, count: int) -> Iterator[dict[str, object]]:
    """Check damaged files in processes of their own; raise for the first that fails."""
    with tempfile.TemporaryDirectory() as folder:
        make_seeds(Path(folder))
        for start in range(first, first + count, BATCH_SIZE):
            size = min(BATCH_SIZE, first + count - start)
            command = [sys.executable, __file__, "--batch", str(start), str(size), folder]
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=TIME_LIMIT_SECONDS * size
            )
            if done.returncode != 0:
                lines = done.stderr.splitlines()
                seed = next((line for line in reversed(lines) if line.isdigit()), "?")
                tail = "\n".join(line for line in lines if not line.isdigit())[-3000:]
                raise AssertionError(f"seed {seed}: exit {done.returncode}\n{tail}")
            yield json.loads(done.stdout)


def num_wanted() -> int:
    return int(os.environ.get("VIDTAG_FUZZ", NUM_NORMAL))


@pytest.mark.slow
def test_damaged_files_are_decoded_or_refused() -> None:
    total: collections.Counter[str] = collections.Counter()
    for batch in run_batches(0, num_wanted()):
        total.update(batch["outcomes"])
        assert batch["growth_bytes"] < GROWTH_LIMIT_BYTES, batch
    assert total.total() == num_wanted()
    # The damage must be of both kinds, or the test would prove nothing.
    assert total["clean"] + total["warnings"] > total.total() / 4, total
    assert total["clean"] < total.total() * 3 / 4, total


def test_damage_is_the_same_for_the_same_seed() -> None:
    data = bytes(range(256)) * 8
    assert damage(data, 3) == damage(data, 3)
    assert len({damage(data, seed) for seed in range(50)}) > 40


@pytest.mark.parametrize("kind", ["crash", "hang"])
def test_a_failing_batch_names_its_seed(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    code = {"crash": "import os; os.abort()", "hang": "import sys; sys.exit(1)"}[kind]
    real_run = subprocess.run

    def run(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        script = f"import sys; print(17, file=sys.stderr, flush=True); {code}"
        return real_run([command[0], "-c", script], **options)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr("test_fuzz.make_seeds", lambda folder: [])
    with pytest.raises(AssertionError, match="seed 17"):
        next(run_batches(0, 1))


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--fuzz", type=int, default=NUM_NORMAL)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--batch", nargs=3, metavar=("FIRST", "COUNT", "FOLDER"))
    parser.add_argument("--keep", nargs=2, metavar=("SEED", "PATH"))
    arguments = parser.parse_args()
    if arguments.batch:
        first, count, folder = arguments.batch
        order = [".mp4", ".mkv", ".webm", ".avi", ".ts", ".flv", ".gif", ".mxf"]
        seeds = [Path(folder) / f"seed{suffix}" for suffix in order]
        sys.stdout.write(json.dumps(run_batch(seeds, int(first), int(count))))
        return
    if arguments.keep:
        seed, path = int(arguments.keep[0]), arguments.keep[1]
        with tempfile.TemporaryDirectory() as folder:
            seeds = make_seeds(Path(folder))
            source = seeds[seed % len(seeds)]
            Path(path + source.suffix).write_bytes(damage(source.read_bytes(), seed))
        return
    total: collections.Counter[str] = collections.Counter()
    slowest, growth, peak = 0.0, 0, 0
    began = time.monotonic()
    with contextlib.suppress(KeyboardInterrupt):
        for batch in run_batches(arguments.first_seed, arguments.fuzz):
            total.update(batch["outcomes"])
            slowest = max(slowest, batch["slowest_seconds"])
            growth = max(growth, batch["growth_bytes"])
            peak = max(peak, batch["peak_bytes"])
            if total.total() % 1000 == 0:
                say(f"{total.total()} {dict(total)}")
    say(
        f"{total.total()} files in {time.monotonic() - began:.0f} s: {dict(total.most_common())}; "
        f"slowest {slowest:.2f} s; memory: at most {peak >> 20} MB, "
        f"growing by at most {growth >> 20} MB in a batch"
    )


if __name__ == "__main__":
    main()
