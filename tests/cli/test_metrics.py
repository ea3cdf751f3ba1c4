"""`nofx metrics`: what any scraper can read, and numbers that are those of the runs."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from nofx_cli import __version__
from nofx_cli.cli.render import metrics_text
from nofx_cli.domain import events as ev
from nofx_cli.engine.collect_metrics import Family, Sample
from nofx_cli.ports.workers import WorkerInfo
from tests.cli.console import EVIL, FAILURE, STARTED, TWO_STEPS, Console, Records, failure, success
from tests.cli.exposition import Metric, parse
from tests.cli.jobs import OTHER, Jobs, gone_worker, job, worker_elsewhere
from tests.cli.runner import ECHO, LAST, Runner

REPOSITORY = Path(__file__).resolve().parents[2]
HOUR_MS = 3_600_000
RETRIED = ev.StepRetryScheduled(FAILURE, 2_000, "2026-01-01T12:00:10.000000Z", 7_000)


def _metrics(cli: Console) -> dict[str, Metric]:
    return parse(cli.ok("metrics"))


def _by(metric: Metric, label: str) -> dict[str, float]:
    """The samples that are not 0, by the value of a label."""
    return {dict(labels)[label]: value for (_, labels), value in metric.samples.items() if value}


def _value(metric: Metric) -> float:
    (value,) = metric.samples.values()
    return value


def test_an_empty_store_has_every_family_and_is_not_made(cli: Console, records: Records) -> None:
    found = _metrics(cli)
    assert {name: metric.kind for name, metric in found.items()} == {
        "nofx_build_info": "gauge",
        "nofx_runs": "gauge",
        "nofx_runs_damaged": "gauge",
        "nofx_steps": "gauge",
        "nofx_step_duration_seconds": "histogram",
        "nofx_step_retries_total": "counter",
        "nofx_step_interruptions_total": "counter",
        "nofx_queue_depth": "gauge",
        "nofx_queue_oldest_age_seconds": "gauge",
        "nofx_queue_paused": "gauge",
        "nofx_queue_damaged": "gauge",
        "nofx_workers": "gauge",
        "nofx_worker_steps_total": "counter",
    }
    assert _by(found.pop("nofx_build_info"), "version") == {__version__: 1}
    assert all(value == 0 for metric in found.values() for value in metric.samples.values())
    assert len(found["nofx_runs"].samples) == 6
    assert len(found["nofx_steps"].samples) == 8
    assert not records.layout.root.exists()


def test_runs_and_steps_by_status(cli: Console, records: Records) -> None:
    asked = [(ev.StepEnqueued(), "build"), (ev.ApprovalRequested("d1"), "build")]
    records.add(TWO_STEPS, [STARTED, *success("build"), *success("check")], [ev.RunSucceeded()])
    records.add(TWO_STEPS, [STARTED, *failure("build")], [ev.RunFailed("build", 1, FAILURE)], run=f"{OTHER[:-1]}1")
    records.add(TWO_STEPS, [STARTED, *asked], [ev.RunWaiting(("build",))], run=f"{OTHER[:-1]}2")
    records.add(TWO_STEPS, [STARTED, *asked], [ev.RunCancelled("enough")], run=f"{OTHER[:-1]}3")
    records.add(TWO_STEPS, run=f"{OTHER[:-1]}4")
    found = _metrics(cli)
    assert _by(found["nofx_runs"], "status") == {
        "succeeded": 1, "failed": 1, "waiting": 1, "cancelled": 1, "queued": 1,
    }  # fmt: skip
    assert _by(found["nofx_steps"], "status") == {
        "succeeded": 2, "failed": 1, "waiting": 1, "cancelled": 2, "pending": 4,
    }  # fmt: skip


def test_durations_by_tool_with_the_attempts_that_failed(cli: Console, records: Records) -> None:
    *start, _ = failure("check")
    again: list[tuple[ev.Payload, str, int]] = [
        (RETRIED, "check", 1),
        (ev.StepStarted("shell"), "check", 2),
        (ev.StepFinished("succeeded", {}, None, 4_000_000), "check", 2),
    ]
    records.add(TWO_STEPS, [STARTED, *success("build"), *start, *again])
    found = _metrics(cli)
    durations = found["nofx_step_duration_seconds"].samples
    name = "nofx_step_duration_seconds"
    assert durations[f"{name}_count", (("tool", "shell"),)] == 2
    assert durations[f"{name}_sum", (("tool", "shell"),)] == 4_007
    assert durations[f"{name}_sum", (("tool", "test:echo"),)] == 1.5
    assert durations[f"{name}_bucket", (("tool", "test:echo"), ("le", "1"))] == 0
    assert durations[f"{name}_bucket", (("tool", "test:echo"), ("le", "2.5"))] == 1
    assert durations[f"{name}_bucket", (("tool", "shell"), ("le", "5"))] == 0
    assert durations[f"{name}_bucket", (("tool", "shell"), ("le", "10"))] == 1
    assert durations[f"{name}_bucket", (("tool", "shell"), ("le", "3600"))] == 1
    assert durations[f"{name}_bucket", (("tool", "shell"), ("le", "+Inf"))] == 2
    assert _value(found["nofx_step_retries_total"]) == 1


def test_interruptions(cli: Console, records: Records) -> None:
    *start, _ = success("build")
    records.add(
        TWO_STEPS, [STARTED, *start], [ev.WorkerLost("w-1"), (ev.StepInterrupted("it was gone", True, "w-1"), "build")]
    )
    assert _value(_metrics(cli)["nofx_step_interruptions_total"]) == 1


def test_the_queue_and_the_workers(cli: Console, records: Records) -> None:
    jobs = Jobs(records)
    jobs.dead_letter(job("dead"))
    jobs.put(job("held"))
    jobs.claim("w-1")
    jobs.put_now(job("later", delay_ms=HOUR_MS))
    jobs.put(job("one"), job("two"))
    jobs.queue.pause()
    jobs.damage()
    jobs.leave_record(gone_worker())
    jobs.leave_record(worker_elsewhere())
    with jobs.workers.register(concurrency=1) as registration:
        registration.tell(WorkerInfo(registration.id, 0, "", steps=7))
        found = _metrics(cli)
    assert _by(found["nofx_queue_depth"], "state") == {"due": 2, "delayed": 1, "claimed": 1, "dead": 1}
    assert _value(found["nofx_queue_oldest_age_seconds"]) > 0
    assert _value(found["nofx_queue_paused"]) == 1
    assert _value(found["nofx_queue_damaged"]) == 1
    assert _by(found["nofx_workers"], "standing") == {"alive": 1, "gone": 1, "elsewhere": 1}
    assert _by(found["nofx_worker_steps_total"], "worker") == {registration.id: 7}


def test_a_damaged_journal_is_counted_and_hides_no_other(cli: Console, records: Records) -> None:
    records.add(TWO_STEPS, [STARTED, *success("build")])
    for number, content in enumerate((b"", b"no event\n", b'{"type": 3}\n')):
        run = f"{OTHER[:-1]}{number}"
        records.add(TWO_STEPS, run=run)
        records.journal(run).write_bytes(content)
    records.add(TWO_STEPS, [STARTED, *success("build")], run=f"{OTHER[:-1]}9")
    lines = records.journal(f"{OTHER[:-1]}9").read_bytes().split(b"\n")
    lines[2] = b"\0" * len(lines[2])
    records.journal(f"{OTHER[:-1]}9").write_bytes(b"\n".join(lines))
    found = _metrics(cli)
    assert _value(found["nofx_runs_damaged"]) == 4
    assert _by(found["nofx_runs"], "status") == {"running": 1}


def test_a_torn_tail_and_events_of_a_later_nofx_change_nothing(cli: Console, records: Records) -> None:
    records.add(TWO_STEPS, [STARTED, *success("build")], [(ev.Unknown("step.teleported", {"to": "mars"}), "build")])
    before = cli.ok("metrics")
    with open(records.journal(), "ab") as journal:
        journal.write(b'{"v":1,"seq":9,"at":"2026-')
    assert cli.ok("metrics") == before
    assert _value(parse(before)["nofx_runs_damaged"]) == 0


def test_the_work_of_two_worker_processes_is_in_it(nofx: Runner, cli: Console) -> None:
    plan = nofx.plan(ECHO + LAST)
    for _ in range(2):
        nofx("run", plan, "--detach", "--no-start-worker")
        subprocess.run([sys.executable, "-m", "nofx_cli", "worker", "--drain", "-q"], check=True, cwd=cli.folder)
    payloads = [event.payload for run in nofx.runs() for event in nofx.events(run)]
    workers = {payload.worker for payload in payloads if isinstance(payload, ev.StepStarted)}
    assert len(workers) == 2
    found = _metrics(cli)
    assert _by(found["nofx_runs"], "status") == {"succeeded": 2}
    assert _by(found["nofx_steps"], "status") == {"succeeded": 4}
    assert (
        found["nofx_step_duration_seconds"].samples["nofx_step_duration_seconds_count", (("tool", "test:echo"),)] == 4
    )
    assert _by(found["nofx_queue_depth"], "state") == {}


def test_label_values_are_escaped_and_harmless(cli: Console, records: Records) -> None:
    tool = f'a"b\\c\nd{EVIL}'
    *_, finished = success("build")
    records.add(TWO_STEPS, [STARTED, (ev.StepStarted(tool), "build", 1), finished])
    samples = _metrics(cli)["nofx_step_duration_seconds"].samples
    (told,) = {dict(labels)["tool"] for _, labels in samples}
    assert told.startswith('a"b\\c\nd')
    assert "\\u202egpj.exe" in told


@pytest.mark.parametrize(
    ("value", "told"), [(0, "0"), (1.0, "1"), (0.25, "0.25"), (1e21, "1000000000000000000000"), (3.5e-7, "3.5e-07")]
)
def test_numbers(value: float, told: str) -> None:
    *_, line = metrics_text.lines([Family("a", "gauge", "what", [Sample(value)])])
    assert line == f"a {told}"


def test_help_is_escaped() -> None:
    first, *_ = metrics_text.lines([Family("a", "gauge", "one\\two\nthree", [])])
    assert first == "# HELP a one\\\\two\\nthree"


def test_the_fields_of_the_json_are_pinned(cli: Console) -> None:
    told = cli.json("metrics")
    assert told[0] == {
        "name": "nofx_build_info",
        "type": "gauge",
        "help": "The nofx that tells this.",
        "samples": [{"name": "nofx_build_info", "labels": {"version": __version__}, "value": 1}],
    }
    assert all(set(family) == set(told[0]) for family in told)
    assert [family["name"] for family in told] == list(_metrics(cli))


def test_every_family_stands_in_the_how_to(cli: Console) -> None:
    page = (REPOSITORY / "docs" / "how-to" / "scrape-metrics.md").read_text(encoding="utf-8")
    told = set(re.findall(r"^\| `(nofx_[a-z_]+)(?:\{[a-z]+\})?` \|", page, flags=re.MULTILINE))
    assert told == set(_metrics(cli))
