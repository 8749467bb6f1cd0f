"""A folder per label, with its videos in it, perhaps below folders for training and testing."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from vidtag.extensions import is_video_name
from vidtag.formats.truths.gathering import Gathering, is_subset_name, quoted, subset_of
from vidtag.formats.truths.places import visible, walk_files, walk_videos


@dataclass(frozen=True, slots=True)
class _LabelFolder:
    path: str
    label: str
    subset: str | None


def has_label_folders(folder: str) -> bool:
    """Tell whether a folder has folders with videos in them."""
    return any(next(walk_videos(path), None) for path, _ in _folders(folder))


def read_folders(folder: str, gathering: Gathering) -> None:
    """Read a folder of labels: each video below one of its folders has that one's name.

    Args:
        folder: The folder.
        gathering: Takes what is in it.
    """
    for name in visible(folder):
        if is_video_name(name):
            gathering.note("loose", quoted(name))
    for one in _label_folders(folder, gathering):
        videos = list(walk_videos(one.path))
        for path in walk_files(one.path):
            if not is_video_name(path):
                gathering.note("other_file", quoted(os.path.relpath(path, folder)))
        if not videos:
            gathering.note("empty_label", quoted(os.path.relpath(one.path, folder)))
        for path in videos:
            place = os.path.relpath(path, folder)
            label = gathering.label(place, one.label)
            video = gathering.video(place, path, partial(_regular, path), one.subset)
            if video is not None and label is not None:
                gathering.say_whole(place, video, label)


def _label_folders(folder: str, gathering: Gathering) -> Iterator[_LabelFolder]:
    tops = [(path, name) for path, name in _folders(folder) if next(walk_videos(path), None)]
    subsets = {subset_of(name) for path, name in tops if _is_subset(path, name)}
    has_subsets = bool(tops) and all(is_subset_name(name) for _, name in tops)
    has_subsets |= len(subsets) > 1  # one alone may be a label, such as a train
    for path, name in _folders(folder):
        if not has_subsets:
            yield _LabelFolder(path, name, None)
        elif is_subset_name(name):
            for entry in visible(path):
                if is_video_name(entry) and os.path.isfile(os.path.join(path, entry)):
                    gathering.note("loose", quoted(os.path.join(name, entry)))
            for below, label in _folders(path):
                yield _LabelFolder(below, label, name)
        else:
            is_there = next(walk_videos(path), None) is not None
            gathering.note("beside" if is_there else "empty_label", quoted(name))


def _is_subset(path: str, name: str) -> bool:
    """Tell whether a folder is for training or testing, and has folders of labels alone in it."""
    return is_subset_name(name) and not any(map(is_video_name, visible(path)))


def _folders(folder: str) -> Iterator[tuple[str, str]]:
    for name in visible(folder):
        path = os.path.join(folder, name)
        if os.path.isdir(path):
            yield path, name


def _regular(path: str) -> str | None:
    return path if os.path.isfile(path) else None
