import threading
from collections.abc import Iterator

import pytest

from vidtag.tagging.read_ahead import ReadAhead


def test_items_come_in_order():
    with ReadAhead(iter(range(100)), size=3) as ahead:
        assert list(ahead) == list(range(100))
        assert list(ahead) == []


def test_it_runs_no_further_ahead_than_its_size():
    made: list[int] = []

    def items() -> Iterator[int]:
        for n in range(100):
            made.append(n)
            yield n

    with ReadAhead(items(), size=2) as ahead:
        iterator = iter(ahead)
        for _ in range(3):
            next(iterator)
        assert len(made) <= 3 + 2 + 1
    assert len(made) <= 3 + 2 + 2


def test_at_first_it_waits_for_the_first_result():
    made: list[int] = []
    goes_on = threading.Event()

    def items() -> Iterator[int]:
        for n in range(100):
            made.append(n)
            if n == 2:
                goes_on.set()
            yield n

    with ReadAhead(items(), size=50, lead=2) as ahead:
        iterator = iter(ahead)
        assert [next(iterator), next(iterator)] == [0, 1]
        assert not goes_on.wait(0.2)
        assert made == [0, 1]
        assert list(iterator) == list(range(2, 100))


def test_waiting_for_the_first_result_holds_up_no_end():
    with ReadAhead(iter(range(100)), size=50, lead=2) as ahead:
        next(iter(ahead))
    assert not [t for t in threading.enumerate() if t.name == "vidtag-read-ahead"]
    with ReadAhead(iter([1]), size=50, lead=2) as ahead:
        assert list(ahead) == [1]


def test_a_second_iteration_goes_on_behind_the_first():
    with ReadAhead(iter(range(100)), size=50, lead=2) as ahead:
        assert next(iter(ahead)) == 0
        assert list(ahead) == list(range(1, 100))


def test_an_error_comes_after_the_items_before_it():
    def items() -> Iterator[int]:
        yield 1
        raise LookupError("here")

    with ReadAhead(items(), size=4) as ahead:
        iterator = iter(ahead)
        assert next(iterator) == 1
        with pytest.raises(LookupError, match="here"):
            next(iterator)


def test_stopping_early_closes_the_generator_in_its_own_thread():
    closed_in: list[str] = []

    def items() -> Iterator[int]:
        try:
            while True:
                yield 1
        finally:
            closed_in.append(threading.current_thread().name)

    with ReadAhead(items(), size=2) as ahead:
        next(iter(ahead))
    assert closed_in == ["vidtag-read-ahead"]


def test_no_thread_stays_behind():
    for _ in range(50):
        with ReadAhead(iter(range(1000)), size=1) as ahead:
            next(iter(ahead))
    assert not [t for t in threading.enumerate() if t.name == "vidtag-read-ahead"]


def test_who_interrupts_waits_for_nothing():
    goes_on, closed = threading.Event(), threading.Event()

    def blocked() -> Iterator[int]:
        try:
            yield 1
            goes_on.wait()
            yield 2
        finally:
            closed.set()

    def interrupted() -> None:
        with ReadAhead(blocked(), size=1) as ahead:
            next(iter(ahead))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not closed.is_set()
    goes_on.set()
    assert closed.wait(60)
