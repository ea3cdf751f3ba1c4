"""The part of the contract for archives that a bad disk shows: what is damaged is told, and never an answer."""

import re
from pathlib import Path

import pytest

from nofx_cli import errors
from nofx_cli.ports.archive import Archive
from nofx_cli.testing.archive_case import RUN, STEP, ArchiveCase, asked, put, said


class ArchiveDamage(ArchiveCase):
    """Bits that flip, files that are cut, renamed, or of another nofx."""

    def test_a_flipped_bit_anywhere_is_seen(self, archive: Archive, place: Path) -> None:
        exchange = put(archive, said("yes", data=[1]))
        whole = self.bytes_of(archive, place, exchange.request)
        for at in range(len(whole)):
            damaged = bytearray(whole)
            damaged[at] ^= 1 << at % 8
            self.spoil(archive, place, exchange.request, bytes(damaged))
            assert archive.newest(exchange.request) is None, at
        self.spoil(archive, place, exchange.request, whole)
        assert archive.newest(exchange.request) == exchange

    def test_a_cut_at_any_place_is_seen(self, archive: Archive, place: Path) -> None:
        exchange = put(archive)
        whole = self.bytes_of(archive, place, exchange.request)
        for length in range(len(whole)):
            self.spoil(archive, place, exchange.request, whole[:length])
            assert archive.exact(exchange.request, exchange.answer) is None, length
        self.spoil(archive, place, exchange.request, whole + b"\n")
        assert archive.newest(exchange.request) is None

    def test_a_whole_entry_under_another_name_is_no_answer(self, archive: Archive, place: Path) -> None:
        one, two = put(archive), put(archive, request=asked("else"))
        self.spoil(archive, place, one.request, self.bytes_of(archive, place, two.request))
        assert archive.newest(one.request) is None
        assert archive.newest(two.request) == two
        assert self._faults(archive) == {
            one.request: f"its request has the digest {two.request[:12]}…, not that of its name"
        }

    def test_what_a_later_nofx_wrote_is_told_and_stays(self, archive: Archive, place: Path) -> None:
        exchange = put(archive)
        later = self.bytes_of(archive, place, exchange.request).replace(b'{"v":1,', b'{"v":2,')
        self.spoil(archive, place, exchange.request, later)
        assert archive.newest(exchange.request) is None
        assert self._faults(archive) == {exchange.request: "it has format 2; this nofx knows 1"}
        archive.remove_damaged()
        assert self.bytes_of(archive, place, exchange.request) == later

    def test_a_damaged_entry_is_told_and_hides_no_other(self, archive: Archive, other: Archive, place: Path) -> None:
        every = [put(archive, request=asked(str(number))).request for number in range(5)]
        self.spoil(archive, place, every[2], b"\x00" * 100)
        assert sorted(line.request for line in other.entries()) == sorted(every)
        assert self._faults(other) == {every[2]: "it does not begin as an entry does"}
        [line] = [line for line in other.entries() if line.fault]
        assert (line.answers, line.bytes, line.cost_usd) == (0, 100, None)
        assert other.answer_to(every[2], run=RUN, step=STEP) is None
        with pytest.raises(errors.Conflict) as refused:
            other.show(every[2])
        assert refused.value.code == "archive-damaged"
        assert re.search(r"entry [0-9a-f]{64} of the archive is damaged: it does not begin", refused.value.message)

    def test_an_answer_takes_the_place_of_what_is_damaged_which_is_still_told(
        self, archive: Archive, other: Archive, place: Path
    ) -> None:
        old = put(archive, said("old"))
        self.spoil(archive, place, old.request, b"damaged")
        new = put(archive, said("new"))
        assert other.newest(old.request) == new
        assert other.show(old.request)[1] == [new]
        assert [bool(line.fault) for line in other.entries()].count(True) == 1
        assert list(other.requests()) == [old.request]
        assert other.remove_damaged() == len(b"damaged")
        assert not self._faults(archive)
        assert archive.newest(old.request) == new

    def test_what_is_damaged_goes_when_it_is_asked_for_and_nothing_else(self, archive: Archive, place: Path) -> None:
        bad, sound = put(archive), put(archive, request=asked("else"))
        self.spoil(archive, place, bad.request, b"damaged")
        assert archive.remove(bad.request, [bad]) == 0
        assert self._faults(archive)
        assert archive.remove_damaged() == len(b"damaged")
        assert [line.request for line in archive.entries()] == [sound.request]

    @staticmethod
    def _faults(archive: Archive) -> dict[str, str]:
        return {line.request: line.fault for line in archive.entries() if line.fault}
