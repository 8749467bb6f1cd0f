"""The pipeline in a line: video → frames → windows → scores → timeline → document.

One thread opens, decodes and prepares, also the next video of a batch, a bounded number of
windows ahead; the calling thread runs the model and owns the results.
"""

import gc
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Unpack

import numpy as np
import numpy.typing as npt

from vidtag.arguments import check_kind, wrong_type
from vidtag.cache.scores import ScoreStore
from vidtag.clips.grid import Grid
from vidtag.documents.records import Document
from vidtag.models.classifier import Classifier, ClassifierInfo
from vidtag.models.load import load_classifier
from vidtag.models.options import LoadOptions
from vidtag.tagging.choices import Choices, take_choices
from vidtag.tagging.document import VideoScores, describe
from vidtag.tagging.events import ONGOING, VideoEvent
from vidtag.tagging.read_ahead import ReadAhead
from vidtag.tagging.reading import Job, Reader
from vidtag.tagging.scoring import Equipment, VideoScorer
from vidtag.tagging.settings import Settings
from vidtag.tagging.step_tags import StepTags
from vidtag.timeline.steps import Step
from vidtag.video.given import Source, VideoSource, take_source

if hasattr(os, "register_at_fork"):
    # A decoder that the parent left to the garbage collector would wait, as it is freed in a
    # forked child, for threads that are not there. What is inherited is never collected there.
    os.register_at_fork(after_in_child=gc.freeze)


class Tagging:
    """One video being tagged: iterate over its steps as they come, then take the document.

    Iterating or asking for the document raises `VideoError` where the video can't be read,
    and `ModelError` where the model fails.
    """

    def __init__(self, equipment: Equipment, job: Job, ahead: ReadAhead[VideoEvent]) -> None:
        self.name = job.name
        """The input as the user named it, but for a password in a URL."""
        self._job = job
        self._ahead = ahead
        self._is_over = False
        self._is_cut = False
        self._scorer = VideoScorer(equipment, job.name)
        self._settings = equipment.settings
        self._steps = self._scorer.steps(self._events(lambda: self._is_cut))

    @property
    def expected_seconds(self) -> Fraction | None:
        """How long the part to tag is, as the container declares it; known with its first step."""
        return self._scorer.expected_seconds

    @property
    def is_known(self) -> bool:
        """Whether there is something to tell in a document, where the video was stopped."""
        return self._scorer.is_known

    @property
    def stopped_seconds(self) -> Fraction | None:
        """Where the result ends, of a video that was stopped before its end."""
        return self._scorer.stopped_seconds

    @property
    def is_stored(self) -> bool:
        """Whether a later run finds the scores that are known by now."""
        return self._scorer.is_stored

    def __iter__(self) -> Iterator[StepTags]:
        for step in self._steps:
            yield self._scorer.tags_of(step)

    def scored_steps(self) -> Iterator[Step]:
        """Yield its steps as they come, with the scores of all labels."""
        yield from self._steps

    def tags_of(self, step: Step) -> StepTags:
        """Return a step with its best labels alone."""
        return self._scorer.tags_of(step)

    def document(self) -> Document:
        """Finish the video and return its result.

        Of a video that was stopped it tells what was known by then, with a warning `stopped`.

        Raises:
            ValueError: It was stopped before anything was known.
        """
        return describe(self.scores(), self._settings)

    def scores(self) -> VideoScores:
        """Finish the video and return the scores of its windows.

        Raises:
            ValueError: It was stopped before anything was known.
        """
        for _ in self._steps:
            pass
        return self._scorer.scores()

    def stop(self) -> None:
        """Read no more of this video; the next one of the batch can begin."""
        self.cut()
        self._job.stop.set()
        for _ in self._events(lambda: False):
            pass

    def cut(self) -> None:
        """Let its steps end with what is known, also while none comes.

        Safe in a signal handler and from another thread. The video is still read ahead until
        `stop`, or the end of the batch.
        """
        self._is_cut = True

    def _events(self, is_cut: Callable[[], bool]) -> Iterator[VideoEvent]:
        """Take what is read of this video and not of the next one."""
        if self._is_over:
            return
        for event in self._ahead.until(is_cut):
            self._is_over = not isinstance(event, ONGOING)
            yield event
            if self._is_over:
                return


class Tagger:
    """Tags videos with one model, from any number of threads at once.

    >>> tagger = Tagger("demo", top_k=3, device="cpu")  # doctest: +SKIP
    >>> tagger.tag("clip.mp4").tags[0].label  # doctest: +SKIP
    'jogging'
    >>> Tagger(labels=["pouring milk", "opening a fridge"]).tag("clip.mp4")  # doctest: +SKIP

    Args:
        model: An alias, hub id or folder; options for loading one; or a ready `Classifier`,
            also one of your own. `base` where `None`, and `xclip` where there are `labels`.
        settings: What is asked of every video.
        store: Where scores are kept between runs; `None` keeps none.
        choices: Single ones by name, over those of `model` and `settings`.

    Raises:
        TypeError: There is no such choice.
        ValueError: One makes no sense.
        ModelError: The model can't be loaded.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | LoadOptions | Classifier | None = None,
        settings: Settings | None = None,
        *,
        store: ScoreStore | None = None,
        **choices: Unpack[Choices],
    ) -> None:
        check_kind("settings", settings, Settings, type(None))
        check_kind("store", store, ScoreStore, type(None))
        model, self.settings = take_choices(model, settings or Settings(), choices)
        """What is asked of every video."""
        self.classifier = load_classifier(model) if isinstance(model, LoadOptions) else model
        """The model that is run."""
        _check_classifier(self.classifier)
        self.labels = tuple(self.classifier.labels)
        """The model's labels, in the order of its logits."""
        self.grid = _make_grid(self.classifier.info, self.settings)
        """Where windows start and where their samples lie."""
        self._equipment = Equipment(
            classifier=self.classifier,
            labels=self.labels,
            grid=self.grid,
            settings=self.settings,
            store=store,
        )

    def tag(
        self,
        source: VideoSource,
        *,
        fps: float | Fraction | None = None,
        times: Sequence[float | Fraction] | npt.NDArray[np.floating] | None = None,
    ) -> Document:
        """Tag one video.

        Args:
            source: A path, `-` or a URL; a video's bytes; a binary file object, which stays open;
                or pictures, `(T, H, W, 3)` uint8 RGB.
            fps: Pictures per second, where it is an array.
            times: Seconds of each picture, instead of `fps`; they count from the first one.

        Raises:
            TypeError: The source is something else.
            VideoError: The video can't be read.
            ModelError: The model failed.
        """
        with self.open(source, fps=fps, times=times) as videos:
            return next(iter(videos)).document()

    def steps(
        self,
        source: VideoSource,
        *,
        fps: float | Fraction | None = None,
        times: Sequence[float | Fraction] | npt.NDArray[np.floating] | None = None,
    ) -> Iterator[StepTags]:
        """Tag one video step by step, each as soon as it is known.

        >>> for step in Tagger("demo").steps("clip.mp4"):  # doctest: +SKIP
        ...     print(step.start_seconds, step.tags[0].label)

        A loop that is left early reads no further. The arguments and errors are those of `tag`.
        """
        with self.open(source, fps=fps, times=times) as videos:
            for video in videos:
                yield from video

    def score(
        self,
        source: VideoSource,
        *,
        fps: float | Fraction | None = None,
        times: Sequence[float | Fraction] | npt.NDArray[np.floating] | None = None,
        features: bool = False,
    ) -> VideoScores:
        """Score one video: the logits of its windows, with their times.

        >>> scored = Tagger("demo").score("clip.mp4")  # doctest: +SKIP
        >>> scored  # doctest: +SKIP
        <VideoScores 11 windows of 2 s every 1 s, 0:00 to 0:12, logits (11, 18)>
        >>> scored[3:5].to_numpy().argmax(axis=1)  # doctest: +SKIP

        Args:
            source: As for `tag`.
            fps: As for `tag`.
            times: As for `tag`.
            features: Also keep what the model's last layer reads, where the model tells it. Unless
                features are what is stored of this model, stored scores are not asked then.

        Raises:
            TypeError: The source is something else.
            VideoError: The video can't be read.
            ModelError: The model failed.
        """
        equipment = self._equipment
        if features:
            store = equipment.store if equipment.stores_features else None
            equipment = replace(equipment, store=store, with_features=True)
        with Batch(equipment, [take_source(source, fps=fps, times=times)]) as videos:
            return next(iter(videos)).scores()

    def open(
        self,
        *sources: VideoSource,
        fps: float | Fraction | None = None,
        times: Sequence[float | Fraction] | npt.NDArray[np.floating] | None = None,
    ) -> "Batch":
        """Start on one or more videos, for the steps as they come or for a batch.

        >>> with Tagger("demo").open("clip.mp4") as videos:  # doctest: +SKIP
        ...     for video in videos:
        ...         for step in video:
        ...             print(step.start_seconds, step.tags[0].label)
        ...         document = video.document()
        """
        return Batch(
            self._equipment, [take_source(source, fps=fps, times=times) for source in sources]
        )


class Batch:
    """Videos being tagged one after the other, the next one read ahead.

    Iterate to get each video's `Tagging`. A video that is left before its document was taken
    is read no further.
    """

    def __init__(self, equipment: Equipment, sources: Sequence[Source]) -> None:
        self._jobs = [Job(source=source) for source in sources]
        self._equipment = equipment
        reader = Reader(
            equipment.classifier,
            equipment.grid,
            equipment.settings.read,
            equipment.store,
            equipment.runner().row_size,
        )
        info = equipment.classifier.info
        self._ahead = ReadAhead(
            reader.read(self._jobs),
            # Two batches ahead keep the model busy; more would only hold memory.
            size=2 * info.batch_size + 2,
            # The first batch, and before it `Opened`. A GPU's first run takes no cores.
            lead=1 + info.batch_size if info.device == "cpu" else None,
        )

    def __enter__(self) -> "Batch":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.close(wait=kind is not KeyboardInterrupt)

    def __iter__(self) -> Iterator[Tagging]:
        for job in self._jobs:
            tagging = Tagging(self._equipment, job, self._ahead)
            yield tagging
            tagging.stop()

    def close(self, *, wait: bool = True) -> None:
        """Stop reading, and perhaps wait until it has stopped."""
        for job in self._jobs:
            job.stop.set()
        self._ahead.close(wait=wait)


def _check_classifier(model: object) -> None:
    if not all(hasattr(model, name) for name in ("labels", "info", "prepare", "logits")):
        raise wrong_type("model", "a name, a folder, LoadOptions or a Classifier", model)


def _make_grid(info: ClassifierInfo, settings: Settings) -> Grid:
    window = settings.window_seconds or info.window_seconds
    stride = settings.stride_seconds
    if stride is None:
        stride = info.stride_seconds if settings.window_seconds is None else window / 2
    return Grid.from_seconds(
        window=window,
        stride=stride,
        num_frames=info.num_frames,
        start=settings.read.start,
    )
