"""The evidence of a run in a folder, for a job to upload.

    summary.md  result.json  nofx.env                                     for people, and for the jobs behind
    junit.xml  findings.sarif  code-quality.json  gl-sast-report.json     for the CI system
    run.nofx.tgz                                                          the run itself: nofx import
    run/journal.jsonl  run/plan.yaml  run/logs/…  run/artifacts/…         the same to look into

The folder is there whole or not at all, replaces the one of an earlier run, and is none that git takes in. What cannot
be exported, because a secret is in it, is not uploaded either: then it has the reports alone, which are masked.
"""

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from nofx_cli import __version__, errors
from nofx_cli.cli import result
from nofx_cli.cli.ci.outputs import variables_text
from nofx_cli.cli.ci.summary import about
from nofx_cli.cli.github.step_summary import summary_markdown
from nofx_cli.cli.output import note, safe
from nofx_cli.cli.render.carried_view import head_words
from nofx_cli.domain.ids import JsonObject, RunId
from nofx_cli.domain.reports.gate_report import GateReport
from nofx_cli.engine.view_run import RunView
from nofx_cli.wiring.session import Session

RUN_FILE = "run.nofx.tgz"
RESULT = "result.json"
_MARK = ".gitignore"
_COPY = "run"
_TEXTS = {
    *("summary.md", RESULT, "nofx.env", "junit.xml"),
    *("findings.sarif", "code-quality.json", "gl-sast-report.json"),
}
"""What is in every folder of evidence."""
_NAMES = {*_TEXTS, RUN_FILE, _COPY, _MARK}
"""All that can be in one; nothing else is ever thrown away."""


def check_folder(folder: str) -> None:
    """See before anything is done whether the folder can be written.

    Raises:
        errors.UsageError: it is something else, or has files that no run left (code `output-unwritable`).
    """
    place = Path(os.path.abspath(folder))
    why = ""
    if os.path.lexists(place) and (place.is_symlink() or not place.is_dir()):
        why = "it is no folder"
    elif Path.cwd().is_relative_to(os.path.realpath(place)):
        why = "this command works in it"
    elif place.is_dir() and not _may_be_replaced(place):
        why = "it has files that are no evidence of a run"
    elif not place.parent.is_dir() or not os.access(place.parent, os.W_OK):
        why = f"{place.parent} is no folder that can be written"
    if why:
        raise errors.UsageError(
            f"evidence cannot be written to {folder}: {why}", code="output-unwritable", hint="--evidence DIR"
        )


def write_evidence(session: Session, view: RunView, folder: str, reports: Sequence[GateReport], *, code: int) -> None:
    """Write the folder, and tell its paths.

    Raises:
        errors.UsageError: it cannot be written (code `output-unwritable`), also where a step left files in it.
    """
    check_folder(folder)
    place = Path(os.path.abspath(folder))
    making = place.with_name(f".new-{place.name}-{os.getpid()}")
    try:
        making.mkdir(parents=True)
        (making / _MARK).write_text("*\n", encoding="ascii")
        for name, text in _texts(session, view, reports, code=code).items():
            (making / name).write_text(session.services.mask_text(text), "utf-8", errors="backslashreplace")
        _carry(session, view.run, making)
        _swap(making, place)
    except OSError as exc:
        raise errors.UsageError(
            f"evidence cannot be written to {folder}: {(exc.strerror or str(exc)).lower()}", code="output-unwritable"
        ) from exc
    finally:
        shutil.rmtree(making, ignore_errors=True)
    note(f"evidence in {safe(folder)}: {', '.join(sorted(name for name in os.listdir(place) if name != _MARK))}")


def variables(view: RunView) -> dict[str, str]:
    """What the jobs behind may want to know."""
    return {
        "CARRIED_RUN": view.run,
        "CARRIED_STATUS": view.state.status.value,
        "CARRIED_HEAD": head_words(view.head),
    }


def _texts(session: Session, view: RunView, reports: Sequence[GateReport], *, code: int) -> Mapping[str, str]:
    from nofx_cli.domain.reports.gitlab import gitlab_text
    from nofx_cli.domain.reports.gitlab_sast import gitlab_sast_text
    from nofx_cli.domain.reports.junit import junit_text
    from nofx_cli.domain.reports.sarif import sarif_text

    more = f"nofx gates report {view.run}"
    title = f"nofx run {view.run} {view.state.status.value}"
    head: JsonObject = {"seq": view.head.seq, "digest": view.head.digest}
    told: JsonObject = {**result.as_json(view.state, code), "head": head}
    return {
        "summary.md": summary_markdown(reports, title=title, more=more, about=about(view)),
        RESULT: json.dumps(session.services.mask(told), ensure_ascii=False, indent=1, default=dict) + "\n",
        "nofx.env": variables_text(variables(view)),
        "junit.xml": junit_text(reports, name=f"nofx {view.run}"),
        "findings.sarif": sarif_text(reports, version=__version__),
        "code-quality.json": gitlab_text(reports),
        "gl-sast-report.json": gitlab_sast_text(reports, version=__version__),
    }


def _carry(session: Session, run: RunId, folder: Path) -> None:
    """The run as a file, and what is in that file; nothing of it where there can be none."""
    from nofx_cli.engine.export_run import export_run, new_file
    from nofx_cli.engine.run_file import ARCHIVE, PACK, read_run_file
    from nofx_cli.wiring.carrying import bearers_of

    try:
        with new_file(folder / RUN_FILE) as file:
            export_run(session.services, bearers_of(session), run, file, name=RUN_FILE)
    except errors.NofxError as exc:
        note(f"the evidence has no {RUN_FILE}: {safe(session.services.mask_text(exc.message))}")
        return
    with open(folder / RUN_FILE, "rb") as file:
        for carried, blocks in read_run_file(file)[1]:
            if carried.path in {ARCHIVE, PACK}:
                for _ in blocks:
                    pass
                continue
            path = folder / _COPY / carried.path
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(path, "wb") as copy:
                copy.writelines(blocks)


def _may_be_replaced(place: Path) -> bool:
    """Whether nothing is in a folder that a run did not leave; `result.json` alone is many a program's."""
    names = set(os.listdir(place))
    return not names or _TEXTS <= names <= _NAMES


def _swap(making: Path, place: Path) -> None:
    """Put it in the place of an earlier one."""
    old = place.with_name(f".old-{place.name}-{os.getpid()}")
    if place.exists():
        place.rename(old)
    making.rename(place)
    shutil.rmtree(old, ignore_errors=True)
