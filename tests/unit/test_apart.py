"""Work in a copy of this process: what it told counts, however it ends, and it can do nothing else."""

import ctypes
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from signing.apart import Tell, run_apart


def run(work: Callable[[Tell], object], *, wall_s: float = 20) -> tuple[list[bytes], str]:
    def told_first(tell: Tell) -> None:
        tell(b"begun")
        work(tell)

    told = run_apart(told_first, cpu_s=1, wall_s=wall_s, most_bytes=10_000)
    return list(told.lines), told.stopped


def _spin(_tell: Tell) -> None:
    while True:
        pass


def _flood(tell: Tell) -> None:
    while True:
        tell(b"x" * 1000)


def test_what_it_tells_comes_in_order() -> None:
    assert run(lambda tell: [tell(b"%d" % number) for number in range(3)]) == (
        [b"begun", b"0", b"1", b"2"],
        "",
    )


def test_a_crash_costs_only_what_was_not_told_yet() -> None:
    assert run(lambda tell: ctypes.string_at(0)) == ([b"begun"], "its process crashed (SIGSEGV)")


def test_an_exception_is_a_crash_too() -> None:
    assert run(lambda tell: 1 / 0) == ([b"begun"], "its process crashed")


def test_memory_that_ran_out_is_told() -> None:
    def take(_tell: Tell) -> None:
        raise MemoryError

    assert run(take) == ([b"begun"], "memory ran out")


def test_processor_time_is_bounded() -> None:
    assert run(_spin) == ([b"begun"], "processor time ran out")


def test_time_is_bounded() -> None:
    assert run(lambda tell: time.sleep(60), wall_s=0.5) == ([b"begun"], "it took too long")


def test_what_it_tells_is_bounded() -> None:
    lines, stopped = run(_flood)
    assert stopped == "it told too much"
    assert sum(map(len, lines)) <= 10_000


@pytest.mark.parametrize("mode", ["r", "w"])
def test_it_opens_no_file(mode: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("here")

    def look(tell: Tell) -> None:
        try:
            path.open(mode).close()
        except OSError as error:
            tell(type(error).__name__.encode())

    assert run(look) == ([b"begun", b"OSError"], "")
    assert path.read_text() == "here"


@pytest.mark.parametrize("number", [None, 200])  # opened before its own, and far behind it
def test_it_has_nobody_else_to_talk_to(number: int | None) -> None:
    ours, theirs = os.pipe()
    if number is not None:
        theirs, before = os.dup2(theirs, number), theirs
        os.close(before)

    def talk(tell: Tell) -> None:
        try:
            os.write(theirs, b"a report of its own")
        except OSError:
            tell(b"nobody")

    told = run(talk)
    os.close(theirs)
    with os.fdopen(ours, "rb") as end:
        assert (told, end.read()) == (([b"begun", b"nobody"], ""), b"")


def test_no_copy_is_left_behind() -> None:
    def sleep(tell: Tell) -> None:
        tell(b"%d" % os.getpid())
        time.sleep(60)

    (_, pid), _ = run(sleep, wall_s=0.5)
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), 0)
