"""Record what the gates of a run found as what a project knows, or take out of that what is gone."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from nofx_cli import errors
from nofx_cli.domain.baseline import (
    BASELINE_FILE,
    Baseline,
    BaselineChange,
    baseline_of,
    baseline_text,
    change_between,
    has_baseline,
    is_coverable,
)
from nofx_cli.domain.findings import Finding
from nofx_cli.domain.plan import GATE
from nofx_cli.domain.record import record
from nofx_cli.domain.reports.gate_report import GateReport
from nofx_cli.engine.services import Services
from nofx_cli.safety.paths import replace_file


@record
class Recorded:
    """What became of the baseline.

    Attributes:
        gates: those whose findings were taken.
        left_out: why nothing was taken of the others, by gate.
        uncovered: findings that no baseline covers, because their file could not be parsed.
    """

    path: Path
    change: BaselineChange
    gates: tuple[str, ...]
    left_out: dict[str, str]
    uncovered: tuple[Finding, ...]


def record_baseline(
    services: Services, reports: Sequence[GateReport], *, gates: Iterable[str] = (), note: str = "", prune: bool = False
) -> Recorded:
    """Write `nofx-baseline.json` at the project's root from the findings of a run.

    What is known of gates that the run did not judge, or that are not named in `gates`, stays.

    Args:
        prune: only take out what is gone, and add nothing.

    Raises:
        errors.UsageError: no gate is left to record (code `no-gate-to-record`).
        errors.InvalidInput: the baseline that is there cannot be read (code `baseline-invalid`).
    """
    path = services.workspace / BASELINE_FILE
    named = {name if name.startswith(GATE) else GATE + name for name in gates}
    left_out = {report.gate: why for report in reports if (why := _why_not(services, report, named))}
    taken: dict[str, list[Finding]] = {}
    for report in reports:
        if report.gate not in left_out:
            taken.setdefault(report.gate, []).extend(report.findings)
    missing = named - {report.gate for report in reports}
    if missing or not taken:
        raise _nothing(missing, left_out)
    old = read_baseline(path)
    new = old.pruned(taken) if prune else old.recorded(taken, note=note)
    replace_file(path, services.mask_text(baseline_text(new)).encode())
    uncovered = tuple(finding for found in taken.values() for finding in found if not is_coverable(finding))
    return Recorded(path, change_between(old, new), tuple(taken), left_out, () if prune else uncovered)


def read_baseline(path: Path) -> Baseline:
    """The baseline of a project; an empty one where there is none.

    Raises:
        errors.InvalidInput: it cannot be read (code `baseline-invalid`).
    """
    try:
        return baseline_of(path.read_bytes())
    except FileNotFoundError:
        return Baseline()
    except (OSError, ValueError, RecursionError) as exc:
        raise errors.InvalidInput(
            f"{path.name} cannot be read: {exc}", code="baseline-invalid", hint="mend it, or delete it and record anew"
        ) from exc


def _why_not(services: Services, report: GateReport, named: set[str]) -> str:
    if named and report.gate not in named:
        return "it was not named"
    if not has_baseline(report.gate, services.rules().gates.get(report.gate.removeprefix(GATE))):
        return "failing tests and missing coverage have no baseline"
    if not report.judged:
        return f"{report.verdict.words}, {report.summary}"
    return ""


def _nothing(missing: set[str], left_out: dict[str, str]) -> errors.UsageError:
    if missing:
        names = ", ".join(sorted(missing))
        return errors.UsageError(
            f"the run has no {names} that has ended", code="no-gate-to-record", hint="name another run"
        )
    why = "; ".join(f"{gate}: {reason}" for gate, reason in left_out.items())
    return errors.UsageError(
        "the run has no gate whose findings could be recorded" + (f" ({why})" if why else ""),
        code="no-gate-to-record",
        hint="name a run that has one: nofx gates baseline RUN",
    )
