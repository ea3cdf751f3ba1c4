"""What `run`, `resume` and `approve` take for a CI job."""

from typing import Annotated, TypeAlias

import typer

from nofx_cli import errors
from nofx_cli.cli.ci import enter_ci
from nofx_cli.domain.record import record

EVIDENCE = "nofx-evidence"
"""The folder that `--ci` writes, in the working folder."""

CiOption: TypeAlias = Annotated[
    bool, typer.Option("--ci", help="Be a CI job: ask nothing, and keep evidence. CI=true asks nothing, either.")
]
EvidenceOption: TypeAlias = Annotated[
    str,
    typer.Option(
        "--evidence",
        help="A folder to write evidence to [with --ci: nofx-evidence].",
        metavar="DIR",
        show_default=False,
    ),
]
WaitApprovalOption: TypeAlias = Annotated[
    str,
    typer.Option(
        "--wait-approval",
        help="How long to stay while a person is waited for, such as 30m; 0 is not at all.",
        metavar="TIME",
        show_default=False,
    ),
]


@record
class JobOptions:
    """What was typed, read.

    Attributes:
        stay: None where nothing was said: then a terminal decides.
        patience_ms: how long to stay at most; None is without end.
        evidence: the folder to write; empty for none.
    """

    stay: bool | None = None
    patience_ms: float | None = None
    evidence: str = ""


def job_options(*, ci: bool, evidence: str, wait_approval: str, wait: bool | None = None) -> JobOptions:
    """Read what was typed; with `ci` this process is in CI from now on.

    Raises:
        errors.UsageError: no duration, or two options that contradict each other; the folder cannot be written.
    """
    if ci:
        enter_ci()
    folder = evidence or (EVIDENCE if ci else "")
    if folder:
        from nofx_cli.cli.ci.evidence import check_folder

        check_folder(folder)
    if not wait_approval:
        return JobOptions(wait, None, folder)
    if wait is not None:
        raise errors.UsageError("--wait-approval says what --wait and --no-wait say", hint="give one of them")
    patience_ms = _patience_ms(wait_approval)
    return JobOptions(patience_ms > 0, patience_ms, folder)


def _patience_ms(text: str) -> int:
    from nofx_cli.domain.durations import parse_duration_ms

    if text.strip() == "0":
        return 0
    try:
        return parse_duration_ms(text)
    except ValueError as exc:
        raise errors.UsageError(
            f"--wait-approval: {exc}", code="bad-duration", hint="0 does not wait at all; without it, CI does not wait"
        ) from exc
