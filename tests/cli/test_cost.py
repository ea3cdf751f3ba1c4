"""`nofx cost`, and what `nofx show` says of it: to the cent, and never nothing for what nobody knows."""

from decimal import Decimal

import pytest

from nofx_cli.cli.render.cost_view import cost_cell, cost_words, money
from nofx_cli.domain import events as ev
from nofx_cli.domain.spending import Bill
from tests.cli.console import EVIL, RUN, STARTED, TWO_STEPS, Console, Entry, Records, harmless, success

OTHER = "20260102-120000-bbbbbb"
USAGE = {"input": 1_200, "output": 80, "cached": 200, "reasoning": 10}
GPT, LOCAL = "openai/gpt-5", "local/smollm2"


def call(
    step: str, number: int, cost: float | None, *, model: str = GPT, error: str = "", most: str = "0.05"
) -> list[Entry]:
    """A call with its end."""
    usage = {} if cost is None else USAGE
    asked = ev.LlmRequested("ab" * 32, model, number, most, 9_000)
    return [(asked, step, 1), (ev.LlmResponded("ab" * 32, model, usage, cost, number, error), step, 1)]


def archived(step: str) -> Entry:
    return (ev.LlmResponded("ab" * 32, GPT, {}, 0.0, archived=True, answer="cd" * 32), step, 1)


def _runs(records: Records) -> None:
    """Two days: on the first a call that is known, one that failed, one whose cost is not known, and an answer kept."""
    records.add(
        TWO_STEPS,
        [STARTED, *success("build")],
        [*call("build", 1, 0.1, error="500"), *call("build", 2, 0.0234), *call("check", 1, None), archived("check")],
    )
    records.add(TWO_STEPS, [STARTED], run=OTHER)
    records.append(records.store.runs().__next__(), *call("build", 1, 0.0, model=LOCAL), seconds=86_400)


def test_no_call_at_all(cli: Console, records: Records) -> None:
    result = cli("cost")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "no run has asked a model\n")
    records.add(TWO_STEPS, [STARTED, *success("build")])
    assert cli("cost", RUN).stderr == f"run {RUN} has asked no model\n"
    assert cli("cost", "--since", "7d").stderr == "no run has asked a model since 7d\n"
    assert cli.json("cost")["total"]["calls"] == 0


def test_the_fields_are_pinned(cli: Console, records: Records) -> None:
    _runs(records)
    nothing = {"input": 1_200, "output": 80, "cached": 200, "reasoning": 10, "unknown_calls": 0, "unknown_at_most": 0}
    gpt = {
        "calls": 3,
        "failed": 1,
        "archived": 1,
        "usd": "0.1234",
        "unknown_calls": 1,
        "unknown_usd_at_most": "0.05",
        "tokens": {
            "input": 2_400, "output": 160, "cached": 400, "reasoning": 20, "unknown_calls": 1, "unknown_at_most": 9_000,
        },
        "duration_ms": 0,
    }  # fmt: skip
    local = {
        "calls": 1, "failed": 0, "archived": 0, "usd": "0.00", "unknown_calls": 0, "unknown_usd_at_most": "0.00",
        "tokens": nothing, "duration_ms": 0,
    }  # fmt: skip
    told = cli.json("cost")
    total = told.pop("total")
    assert told == {
        "since": None,
        "by": "model",
        "groups": [{"model": GPT, **gpt}, {"model": LOCAL, **local}],
        "damaged": [],
    }
    assert (total["calls"], total["usd"], total["tokens"]["input"]) == (4, "0.1234", 3_600)


def test_the_table_and_the_sum_in_words(cli: Console, records: Records) -> None:
    _runs(records)
    head, gpt, local, empty, total = cli.ok("cost").splitlines()
    assert head.split() == ["MODEL", "CALLS", "FAILED", "ARCHIVED", "IN", "OUT", "CACHED", "REASONING", "COST"]
    assert gpt.split(maxsplit=8) == [GPT, "3", "1", "1", "2400+?", "160+?", "400", "20", "$0.1234 + up to $0.05"]
    assert local.split() == [LOCAL, "1", "0", "0", "1200", "80", "200", "10", "$0.00"]
    assert empty == ""
    assert total == (
        "$0.1234 and up to $0.05 more for 1 call of unknown cost: 4 calls, 1 of them failed, 1 answer from the archive"
        "; 3600 tokens in (600 cached), 240 out (30 reasoning), those of 1 call not known"
    )


def test_tokens_that_nobody_knows_are_no_number(cli: Console, records: Records) -> None:
    records.add(TWO_STEPS, [STARTED, *call("build", 1, None)])
    words = cli.ok("cost").splitlines()[1].split(maxsplit=8)
    assert words == [GPT, "1", "0", "0", "?", "?", "0", "0", "$0.00 + up to $0.05"]


@pytest.mark.parametrize(
    ("by", "names"),
    [
        ("model", [GPT, LOCAL]),
        ("step", ["build", "check"]),
        ("day", ["2026-01-01", "2026-01-02"]),
        ("run", [OTHER, RUN]),
    ],
)
def test_by_what_is_asked_for(cli: Console, records: Records, by: str, names: list[str]) -> None:
    _runs(records)
    told = cli.json("cost", "--by", by)
    assert [group[by] for group in told["groups"]] == names
    assert sum(Decimal(group["usd"]) for group in told["groups"]) == Decimal(told["total"]["usd"])
    assert cli.ok("cost", "--by", by).startswith(by.upper())


def test_one_run_is_told_by_step(cli: Console, records: Records) -> None:
    _runs(records)
    told = cli.json("cost", "bbbbbb")
    assert (told["by"], [group["step"] for group in told["groups"]]) == ("step", ["build"])
    assert told["total"]["calls"] == 1


def test_since_counts_what_was_asked_then_also_in_a_run_made_before(cli: Console, records: Records) -> None:
    _runs(records)
    records.append(RUN, *call("check", 2, 0.5), seconds=86_400 * 3)
    told = cli.json("cost", "--since", "2026-01-02", "--by", "run")
    assert told["since"] == "2026-01-02T00:00:00.000000Z"
    assert [(group["run"], group["usd"]) for group in told["groups"]] == [(OTHER, "0.00"), (RUN, "0.50")]


def test_bad_options(cli: Console) -> None:
    result = cli("cost", "--by", "colour")
    assert result.exit_code == 2
    assert result.stderr == ("error[bad-key]: costs are not told by 'colour'\n  hint: one of model, step, day, run\n")
    result = cli("cost", "--since", "soon")
    assert result.exit_code == 2
    assert "'soon' is no time; write it like 7d, 12h, 2026-11-01" in result.stderr
    assert cli("cost", "nowhere").exit_code == 4


def test_a_price_that_is_not_known_is_told_as_that(cli: Console, records: Records) -> None:
    records.add(TWO_STEPS, [STARTED, *call("build", 1, None, most=""), *call("build", 2, 0.5)])
    text = cli.ok("cost")
    assert "$0.50 + ?" in text
    assert "$0.50 and an unknown amount for 1 call whose price is not known: 2 calls;" in text
    assert cli.json("cost")["total"]["unknown_usd_at_most"] is None


def test_a_journal_that_cannot_be_read_is_told_and_hides_no_other(cli: Console, records: Records) -> None:
    _runs(records)
    data = records.journal().read_bytes()
    records.journal().write_bytes(data.replace(b'"type":"llm.responded"', b'"type":"llm.responded', 1))
    assert cli.json("cost")["damaged"] == [RUN]
    result = cli("cost")
    assert "1 call;" in result.stdout
    assert result.stderr == (
        f"the journal of run {RUN} cannot be read, so what it cost is not told here: nofx verify {RUN}\n"
    )


def test_journals_that_tell_of_no_call_are_not_read(
    cli: Console, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    records.add(TWO_STEPS, [STARTED, *success("build", said='"type":"llm.requested"')])

    def never(*_: object) -> None:
        pytest.fail("it read an event")

    monkeypatch.setattr("nofx_cli.engine.model_events.decode_line", never)
    assert cli("cost").exit_code == 0


def test_a_call_that_was_not_committed_is_not_told(cli: Console, records: Records) -> None:
    records.add(TWO_STEPS, [STARTED, *call("build", 1, 0.5)])
    line = records.journal().read_bytes().splitlines()[2]
    with open(records.journal(), "ab") as journal:
        journal.write(line)
    assert cli.json("cost")["total"]["calls"] == 1


def test_show_tells_the_cost_of_each_step_and_of_all(cli: Console, records: Records) -> None:
    _runs(records)
    shown = cli.ok("show", RUN)
    assert (
        "  cost     $0.1234 and up to $0.05 more for 1 call of unknown cost: 3 calls, 1 of them failed, 1 answer"
        in shown
    )
    [head] = [line for line in shown.splitlines() if line.startswith("STEP ")]
    assert head.split() == ["STEP", "STATUS", "TRY", "TOOK", "TOOL", "COST"]
    rows = {line.split()[0]: line for line in shown.splitlines() if line.startswith(("build ", "check "))}
    assert rows["build"].endswith("$0.1234")
    assert rows["check"].endswith("$0.00 + up to $0.05")
    told = cli.json("show", RUN)["cost"]
    assert told["usd"] == "0.1234"
    assert {step: bill["calls"] for step, bill in told["steps"].items()} == {"build": 2, "check": 1}
    assert "  cost    $0.1234: 2 calls, 1 of them failed; " in cli.ok("show", RUN, "-s", "build")
    assert cli.json("show", RUN, "-s", "build")["cost"]["usd"] == "0.1234"


def test_show_says_nothing_of_models_where_none_was_asked(cli: Console, records: Records) -> None:
    records.add(TWO_STEPS, [STARTED, *success("build")])
    assert "cost" not in cli.ok("show").lower()
    assert "cost" not in cli.ok("show", "-s", "build").lower()
    assert cli.json("show")["cost"] is None


def test_foreign_text_is_harmless(cli: Console, records: Records) -> None:
    records.add(TWO_STEPS, [STARTED, *call("build", 1, 0.5, model=EVIL)])
    shown = cli.ok("cost")
    assert harmless(shown)
    assert "gpj.exe" in shown


@pytest.mark.parametrize(
    ("usd", "text"),
    [
        ("0", "$0.00"),
        ("0.1", "$0.10"),
        ("0.1234", "$0.1234"),
        ("0.12345678", "$0.123457"),
        ("0.0000001", "<$0.000001"),
        ("1234567.891", "$1234567.891"),
        ("1E+2", "$100.00"),
    ],
)
def test_money(usd: str, text: str) -> None:
    assert money(Decimal(usd)) == text


def test_what_is_not_known_in_words() -> None:
    both = Bill(calls=5, usd=Decimal("0.12"), unknown=3, unknown_usd=Decimal("0.05"), unbounded=1)
    assert cost_words(both) == (
        "$0.12 and up to $0.05 more for 2 calls of unknown cost"
        " and an unknown amount for 1 call whose price is not known"
    )
    assert cost_cell(both) == "$0.12 + up to $0.05 + ?"
    assert cost_cell(Bill()) == ""
    assert cost_cell(Bill(archived=1)) == "$0.00"
