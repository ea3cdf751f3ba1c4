"""The part of the contract for archives that one caller can see: put, look up, list, merge, remove."""

import json
from dataclasses import replace
from decimal import Decimal

import pytest

from nofx_cli import errors
from nofx_cli.domain.exchanges import Entry, answer_digest
from nofx_cli.domain.models import ModelReply, Usage, request_digest
from nofx_cli.ports.archive import Archive
from nofx_cli.testing.archive_case import (
    AT,
    HUSHED,
    LATER,
    MODELS,
    OTHER_RUN,
    RUN,
    STEP,
    ArchiveCase,
    asked,
    put,
    said,
)  # fmt: skip

NO_REQUEST = "0" * 64
HALVES = "and " + "\ud83d\ude42"
"""The halves of a character, each by itself."""


class ArchiveRules(ArchiveCase):
    """Put, look up, list, merge, remove."""

    def test_an_answer_comes_back_as_it_was(self, archive: Archive, other: Archive) -> None:
        reply = said("Grüße 🙂\r\n\x00", data={"files": ["a", 1, 2.5, None, True]}, finish="length")
        exchange = put(archive, reply)
        assert exchange.request == request_digest(asked())
        assert exchange.answer == answer_digest(exchange.request, reply)
        assert (exchange.reply, exchange.run, exchange.step, exchange.at, exchange.shared) == (
            reply, RUN, STEP, AT, True,
        )  # fmt: skip
        assert other.newest(exchange.request) == exchange
        assert other.answer_to(exchange.request, run=RUN, step=STEP) == exchange
        assert other.exact(exchange.request, exchange.answer) == exchange

    def test_what_is_not_known_stays_unknown_and_what_is_known_exact(self, archive: Archive, other: Archive) -> None:
        unknown = put(archive, ModelReply("?", "local/x"))
        known = put(archive, ModelReply("!", "local/x", usage=Usage(0, 0, 0, 0), cost_usd=Decimal("0.00")))
        found = other.exact(unknown.request, unknown.answer)
        assert found is not None
        assert (found.reply.cost_usd, found.reply.usage) == (None, Usage())
        found = other.exact(known.request, known.answer)
        assert found is not None
        assert (str(found.reply.cost_usd), found.reply.usage) == ("0.00", Usage(0, 0, 0, 0))

    @pytest.mark.parametrize(
        "text",
        ["", "\udc80\udcff", HALVES, '"},"answers":[]}', "\x1b]0;x\x07\u2028", "x" * 3_000_000],
        ids=["empty", "bytes of no text", "half characters", "syntax", "control characters", "three million letters"],
    )
    def test_any_text_comes_back_as_it_was(self, archive: Archive, other: Archive, text: str) -> None:
        exchange = put(archive, said(text), request=asked(text))
        assert other.newest(exchange.request) == exchange
        canonical, exchanges = other.show(exchange.request)
        assert request_digest(canonical) == exchange.request == request_digest(asked(text))
        assert exchanges == [exchange]

    def test_the_answer_s_digest_is_of_what_was_said_and_of_nothing_else(self, archive: Archive) -> None:
        first = put(archive, said(cost_usd="1"))
        again = put(archive, said(cost_usd="2"), run=OTHER_RUN, step="else", at=LATER, shared=False)
        assert first.answer == again.answer
        others = [
            said("Something."),
            said(model=MODELS[1]),
            said(data={}),
            said(finish="length"),
        ]
        digests = {put(archive, reply).answer for reply in others}
        digests.add(put(archive, request=asked("And then?")).answer)
        assert len(digests) == 5
        assert first.answer not in digests

    def test_what_there_is_none_of_is_none(self, archive: Archive) -> None:
        for request in (NO_REQUEST, "", "../../../etc/passwd", NO_REQUEST + "/x", "0" * 63):
            assert archive.newest(request) is None
            assert archive.answer_to(request, run=RUN, step=STEP) is None
            assert archive.exact(request, NO_REQUEST) is None
            assert archive.remove(request, []) == 0
            with pytest.raises(errors.NotFound) as refused:
                archive.show(request)
            assert refused.value.code == "not-in-archive"
        exchange = put(archive)
        assert archive.exact(exchange.request, NO_REQUEST) is None
        assert archive.answer_to(exchange.request, run=RUN, step="else") is None
        assert archive.answer_to(exchange.request, run=OTHER_RUN, step=STEP) is None

    def test_an_archive_that_holds_nothing_is_empty_and_no_error(self, archive: Archive) -> None:
        assert list(archive.entries()) == []
        assert list(archive.requests()) == []
        assert archive.remove_damaged() == 0

    def test_the_newest_answer_is_the_last_whatever_the_clock_says(self, archive: Archive, other: Archive) -> None:
        put(archive, said("one"), at=LATER)
        last = put(other, said("two"), at=AT)
        assert archive.newest(last.request) == last
        assert [exchange.reply.text for exchange in archive.show(last.request)[1]] == ["one", "two"]

    def test_an_answer_that_is_not_shared_is_only_its_step_s_own(self, archive: Archive, other: Archive) -> None:
        mine = put(archive, said("mine"), shared=False)
        assert other.newest(mine.request) is None
        assert other.answer_to(mine.request, run=RUN, step=STEP) == mine
        assert other.exact(mine.request, mine.answer) == mine
        ours = put(archive, said("ours"), run=OTHER_RUN)
        put(archive, said("mine again"), shared=False)
        assert other.newest(mine.request) == ours

    def test_a_step_finds_its_newest_answer(self, archive: Archive) -> None:
        put(archive, said("first"))
        second = put(archive, said("second"), shared=False)
        put(archive, said("of another step"), step="else")
        put(archive, said("of another run"), run=OTHER_RUN)
        assert archive.answer_to(second.request, run=RUN, step=STEP) == second

    def test_secrets_in_an_answer_are_masked(self, archive: Archive, other: Archive) -> None:
        exchange = put(archive, said(f"It is {HUSHED}.", data={"key": [HUSHED]}))
        assert exchange.reply.text == "It is ***."
        assert exchange.reply.data == {"key": ["***"]}
        assert other.newest(exchange.request) == exchange
        assert exchange.answer == answer_digest(exchange.request, exchange.reply)

    def test_the_list_tells_of_every_request_by_digest(self, archive: Archive, other: Archive) -> None:
        one = put(archive, said(cost_usd="0.10"), request=asked("one"))
        put(archive, said("more", cost_usd="0.025", model=MODELS[1]), request=asked("one"), at=LATER)
        put(archive, said(cost_usd=None), request=asked("one more"))
        two = put(archive, said(cost_usd="1"), request=asked("two"))
        put(archive, said("?", cost_usd=None), request=asked("two"))
        listed = list(other.entries())
        assert [line.request for line in listed] == sorted(line.request for line in listed)
        assert [line.request for line in listed] == list(other.requests())
        found = {line.request: line for line in listed}
        assert len(found) == 3
        line = found[one.request]
        assert (line.answers, line.models, line.at, line.cost_usd, line.fault) == (
            2, MODELS, LATER, Decimal("0.125"), "",
        )  # fmt: skip
        assert line.bytes > 400
        assert found[two.request].cost_usd is None

    def test_requests_are_found_by_how_their_digests_begin(self, archive: Archive) -> None:
        every = sorted({put(archive, request=asked(str(number))).request for number in range(40)})
        assert list(archive.requests()) == every
        for length in (1, 2, 3, 64):
            prefix = every[7][:length]
            assert list(archive.requests(prefix)) == [request for request in every if request.startswith(prefix)]
        assert list(archive.requests("..")) == list(archive.requests("/")) == []

    def test_what_is_merged_stands_in_the_order_of_its_time_and_once(self, archive: Archive, other: Archive) -> None:
        first, last = put(archive, said("first"), at=AT), put(archive, said("last"), at=LATER)
        between = put(archive, said("between"), request=asked("elsewhere"), at=AT[:-2] + "9Z")
        canonical = asked()
        between = type(between)(
            first.request, answer_digest(first.request, between.reply), between.reply, OTHER_RUN, STEP, between.at
        )
        assert other.merge(Entry(canonical, (first, between, last))) == 1
        assert archive.show(first.request)[1] == [first, between, last]
        assert other.merge(Entry(canonical, (first, between, last))) == 0
        assert archive.show(first.request)[1] == [first, between, last]

    def test_a_request_that_was_not_there_is_merged(self, archive: Archive, other: Archive) -> None:
        exchange = put(archive)
        entry = archive.entry(exchange.request)
        assert archive.remove(exchange.request, [exchange]) > 0
        assert archive.merge(entry) == 1
        assert other.newest(exchange.request) == exchange

    def test_only_the_answers_that_are_named_go_and_with_the_last_the_request(
        self, archive: Archive, other: Archive
    ) -> None:
        one, two = put(archive, said("one")), put(archive, said("two"))
        elsewhere = put(archive, request=asked("else"))
        size = sum(line.bytes for line in archive.entries())
        freed = other.remove(one.request, [one])
        assert archive.show(one.request)[1] == [two]
        assert sum(line.bytes for line in archive.entries()) == size - freed
        freed += other.remove(one.request, [one, two])
        assert list(archive.requests()) == [elsewhere.request]
        assert sum(line.bytes for line in archive.entries()) == size - freed
        assert archive.newest(one.request) is None
        assert other.remove(one.request, [two]) == 0

    def test_what_was_put_is_given_back_as_it_will_be_read(self, archive: Archive) -> None:
        reply = replace(said("{}"), data={"name": "Ada", "age": 36, "of": {"z": 1, "a": [2]}})

        at_once = put(archive, reply).reply.data
        later = archive.newest(put(archive, reply).request)

        assert later is not None
        assert json.dumps(at_once) == json.dumps(later.reply.data)

    def test_what_was_masked_says_so(self, archive: Archive, other: Archive) -> None:
        masked, plain = put(archive, said(f"the key is {HUSHED}")), put(archive, said("there is no key"))

        found = other.exact(masked.request, masked.answer)

        assert found is not None
        assert (masked.reply.masked, found.reply.masked, plain.reply.masked) == (True, True, False)
