"""The part of the contract for archives that shows when several write at a time."""

from functools import partial
from pathlib import Path

import pytest

from nofx_cli.ports.archive import Archive, Exchange
from nofx_cli.testing import child
from nofx_cli.testing.archive_case import ArchiveCase, asked, open_elsewhere, put, said
from nofx_cli.testing.child import Child, listen, say
from nofx_cli.testing.threads import at_once
from nofx_cli.testing.waiting import wait_until

_WRITERS = 8
_ANSWERS = 12
_QUESTIONS = ("one", "two")


class ArchiveRaces(ArchiveCase):
    """Several threads."""

    def test_many_threads_lose_no_answer(self, archive: Archive, other: Archive) -> None:
        def write(number: int) -> list[Exchange]:
            return _write(archive if number % 2 else other, str(number))

        written = at_once(partial(write, number) for number in range(_WRITERS))
        _check(other, [one for some in written if isinstance(some, list) for one in some], writers=_WRITERS)

    def test_an_answer_that_comes_while_others_are_removed_stays(self, archive: Archive, other: Archive) -> None:
        old = [put(archive, said(f"old {number}")) for number in range(_ANSWERS)]

        def remove(number: int) -> list[Exchange]:
            other.remove(old[number].request, [old[number]])
            return []

        def add(number: int) -> list[Exchange]:
            return [put(archive, said(f"new {number}"))]

        answers = at_once(partial(work, number) for number in range(_ANSWERS) for work in (remove, add))
        new = [one for some in answers if isinstance(some, list) for one in some]
        assert len(new) == _ANSWERS
        assert {one.answer for one in archive.show(old[0].request)[1]} == {one.answer for one in new}

    def test_who_reads_meanwhile_finds_whole_entries(self, archive: Archive, other: Archive) -> None:
        put(archive, request=asked(_QUESTIONS[0]))
        ended: list[bool] = []

        def read() -> int:
            looks = 0
            while not ended:
                assert [line.fault for line in other.entries() if line.fault] == []
                looks += 1
            return looks

        def write() -> int:
            try:
                return len(_write(archive, "x"))
            finally:
                ended.append(True)

        looks, written = at_once([read, write])
        assert isinstance(looks, int)
        assert written == _ANSWERS * len(_QUESTIONS)


class ArchiveRacesOfProcesses(ArchiveCase):
    """Several processes on one archive."""

    processes = True

    @pytest.fixture
    def elsewhere(self, place: Path) -> tuple[str, str]:
        """What a child needs to open the same archive."""
        return child.name_of(self.open_archive), str(place)

    def test_many_processes_lose_no_answer(self, archive: Archive, elsewhere: tuple[str, str]) -> None:
        with (
            Child(write_elsewhere, *elsewhere, "a") as one,
            Child(write_elsewhere, *elsewhere, "b") as two,
            Child(write_elsewhere, *elsewhere, "c") as three,
        ):
            writers = (one, two, three)
            for writer in writers:
                assert writer.hear() == "ready"
            for writer in writers:
                writer.tell("go")
            digests = [digest for writer in writers for digest in writer.hear().split()]
        kept = [one for request in archive.requests() for one in archive.show(request)[1]]
        assert sorted(one.answer for one in kept) == sorted(digests)
        assert len(set(digests)) == len(writers) * _ANSWERS * len(_QUESTIONS)

    def test_of_a_writer_that_is_killed_whole_answers_are_left_and_nobody_waits(
        self, archive: Archive, elsewhere: tuple[str, str]
    ) -> None:
        request = put(archive, said("before")).request
        with Child(write_for_ever, *elsewhere) as writer:
            assert writer.hear() == "ready"
            writer.tell("go")
            wait_until(lambda: len(archive.show(request)[1]) > 3, why="answers of the other process")
            writer.kill()
        left = [one.reply.text for one in archive.show(request)[1]]
        assert left == ["before", *(str(number) for number in range(len(left) - 1))]
        last = put(archive, said("after"))
        assert archive.newest(request) == last
        assert [line.fault for line in archive.entries() if line.fault] == []


def _write(archive: Archive, writer: str) -> list[Exchange]:
    return [
        put(archive, said(f"{writer} {number}"), request=asked(question))
        for number in range(_ANSWERS)
        for question in _QUESTIONS
    ]


def _check(archive: Archive, written: list[Exchange], *, writers: int) -> None:
    assert len(written) == writers * _ANSWERS * len(_QUESTIONS)
    kept = [one for request in archive.requests() for one in archive.show(request)[1]]
    assert sorted(one.answer for one in kept) == sorted(one.answer for one in written)


def write_elsewhere(opener: str, place: str, writer: str) -> None:
    """In a child: put answers among other writers, and say their digests."""
    archive = open_elsewhere(opener, place)
    say("ready")
    listen()
    say(" ".join(one.answer for one in _write(archive, writer)))


def write_for_ever(opener: str, place: str) -> None:
    """In a child: put one answer after the other until somebody ends it."""
    archive = open_elsewhere(opener, place)
    say("ready")
    listen()
    number = 0
    while True:
        put(archive, said(str(number)))
        number += 1
