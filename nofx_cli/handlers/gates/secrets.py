"""`gate:secrets`: detect-secrets, in a project of any kind.

detect-secrets exits with 0 whatever it found: the verdict rests on its report, and on its messages, which name every
file that it opened. The files are the project's own (`own_files`): also new ones that git does not have yet, and
nothing that git ignores. What is text, but not in UTF-8, or was left out by a filter, is told. Before a pass, invented
secrets are scanned with the same settings: where these hide each of them, nothing was examined. Secrets that the
project's `.secrets.baseline` knows do not fail the gate; the summary tells how many they are.

Nothing is sent anywhere: detect-secrets would verify a secret with the service that it is for.
No report that is kept has a secret in it, nor the plain digest of one, from which a short secret can be guessed.
"""

import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from nofx_cli.domain.outcome import Verdict
from nofx_cli.domain.record import record
from nofx_cli.domain.wording import counted
from nofx_cli.handlers.gates.evidence import Evidence, NoEvidence, read_report
from nofx_cli.handlers.gates.gate import Examination, GateHandler, last_words, refuse_missing, run_program
from nofx_cli.handlers.gates.options import abbreviated
from nofx_cli.handlers.gates.own_files import own_files
from nofx_cli.handlers.gates.parsers import detect_secrets
from nofx_cli.handlers.gates.parsers.reading import json_of, mapping, objects
from nofx_cli.handlers.gates.programs import program
from nofx_cli.handlers.gates.secrets_samples import hides_all, write_samples
from nofx_cli.handlers.gates.text_files import is_text, is_text_of_another_encoding

BASELINE = ".secrets.baseline"
_MOST_CHARACTERS = 60_000
_CHECKED = re.compile(r"^\[scan\]\tINFO\tChecking file: (?P<path>.+)$", re.MULTILINE)
_UNREADABLE = re.compile(r"^\[scan\]\tWARNING\tUnable to open file: (?P<path>.+)$", re.MULTILINE)
_CHECKING = "[scan]\tINFO\tChecking file: "
_BLIND = "detect-secrets found none of the secrets that were invented for it: its settings hide every secret"
_BLIND_HINT = f"see the filters and detectors in {BASELINE} and in `args`"
_VACUOUS_HINT = "point `paths` at the project's files, see what the baseline's filters exclude, or leave the gate out"


@record
class _Scan:
    """A report about some files, how many of them were examined, and what was not.

    Attributes:
        others: texts that are not in UTF-8, which detect-secrets opens, but does not look into.
        left_out: how many files it did not open, because a filter names them.
    """

    report: dict[str, Any]
    files: int
    others: tuple[str, ...]
    left_out: int


class DetectSecrets:
    """The check behind `gate:secrets`."""

    name = "detect-secrets"
    finds_secrets = True
    report = "detect-secrets.json"
    refused_args = (
        *abbreviated(
            "--string", "--only-allowlisted", "--only-verified", "--all-files", "--baseline", "--list-all-plugins",
            "--slim", "--help",
        ),
        "-h",
    )  # fmt: skip

    def applies(self, workspace: Path) -> bool:
        return True

    def command(self, exam: Examination) -> list[str]:
        """A folder stands for the project's own files in it; `examine` names them one by one."""
        return self._command(exam, exam.paths or ["."])

    def examine(self, exam: Examination) -> Evidence:
        refuse_missing(exam)
        detector = self.command(exam)[:1]
        names = [name for name in own_files(exam) if _is_file(exam.workspace / name) and Path(name).name != BASELINE]
        if not names:
            told = f"there was no file for {Path(detector[0]).name} to examine"
            return Evidence(Verdict.VACUOUS, told, {"files": 0}, hint=_VACUOUS_HINT)
        scans = [self._scan(exam, batch) for batch in _batches(names)]
        files = sum(scan.files for scan in scans)
        evidence = _judged(
            _merged([scan.report for scan in scans]),
            known=_known(exam.workspace),
            files=files,
            workspace=exam.workspace,
        )
        if evidence.verdict is Verdict.PASSED and self._is_blind(exam):
            return Evidence(Verdict.VACUOUS, _BLIND, {"files": 0}, hint=_BLIND_HINT)
        return _with_left_out(evidence, scans)

    def _is_blind(self, exam: Examination) -> bool:
        """Whether the settings hide every secret. Where the samples cannot be scanned, nobody knows."""
        samples = write_samples(exam.reports)
        try:
            scan = self._scan(exam, [str(samples)], root=exam.reports)
        except NoEvidence:
            return False
        return scan.files == 1 and hides_all(scan.report, samples)

    def _scan(self, exam: Examination, names: Sequence[str], *, root: Path | None = None) -> "_Scan":
        """Scan files below `root`, which is the workspace where nothing else is said; elsewhere they are absolute."""
        printed, messages = exam.reports / "printed.json", exam.reports / "messages.txt"
        if _has_baseline(exam):
            shutil.copyfile(exam.workspace / BASELINE, exam.reports / BASELINE)
        command = self._command(exam, names, options=["-C", str(root)] if root else [])
        result = run_program(exam.ctx, self.name, command, env={"PYTHONUTF8": "1"}, stdout=printed, stderr=messages)
        said = read_report(messages, by=self.name).decode(errors="replace")
        exam.ctx.log("\n".join(line for line in said.splitlines() if not _CHECKED.fullmatch(line)))
        if result.exit_code != 0:
            told = last_words(result) or f": {(said.strip().splitlines() or [''])[-1]}"
            raise NoEvidence(f"{self.name} exited with code {result.exit_code}{told}")
        if unreadable := _UNREADABLE.search(said):
            raise NoEvidence(f"{self.name} could not read {unreadable['path']}", retryable=False)
        data = read_report(exam.reports / BASELINE if _has_baseline(exam) else printed, by=self.name)
        report = mapping(json_of(data, by=self.name), f"the report of {self.name}")
        opened = [name for name in names if f"{_CHECKING}{_as_printed(name)}\n" in said]
        texts = {name for name in opened if is_text(exam.workspace / name)}
        others = [name for name in opened if name not in texts and is_text_of_another_encoding(exam.workspace / name)]
        return _Scan(report, len(texts), tuple(others), len(names) - len(opened))

    def _command(self, exam: Examination, names: Sequence[str], *, options: Sequence[str] = ()) -> list[str]:
        detector = program(exam.workspace, self.name)
        baseline = ["--baseline", str(exam.reports / BASELINE)] if _has_baseline(exam) else []
        return [*detector, "-v", *options, "scan", *exam.args, "--no-verify", "--all-files", *baseline, "--", *names]


def _has_baseline(exam: Examination) -> bool:
    return (exam.workspace / BASELINE).is_file()


def _known(workspace: Path) -> dict[tuple[Any, ...], bool]:
    """The secrets of the project's baseline, and whether a person said that they are real ones."""
    try:
        data = (workspace / BASELINE).read_bytes()
    except FileNotFoundError:
        return {}
    report = mapping(json_of(data, by=BASELINE), BASELINE)
    return {_identity(path, secret): secret.get("is_secret") is True for path, secret in _secrets(report)}


def _merged(reports: Sequence[dict[str, Any]]) -> dict[str, Any]:
    results: dict[str, Any] = {}
    for report in reports:
        results |= mapping(report.get("results"), "`results` in the report of detect-secrets")
    return {**reports[0], "results": results}


def _judged(report: dict[str, Any], *, known: dict[tuple[Any, ...], bool], files: int, workspace: Path) -> Evidence:
    fresh: dict[str, list[dict[str, Any]]] = {}
    left = []
    for path, secret in _secrets(report):
        if (identity := _identity(path, secret)) in known:
            left.append(known[identity])
        else:
            fresh.setdefault(path, []).append({key: secret[key] for key in secret if key != "hashed_secret"})
    data = json.dumps({**report, "results": fresh}, indent=1).encode()
    evidence = detect_secrets.judge(data, exit_code=0, workspace=workspace, files=files)
    counts = {**evidence.counts, "known": len(left)}
    told = f"; {len(left)} more are known in {BASELINE}, {sum(left)} of them confirmed as real" if left else ""
    hint = evidence.hint
    if evidence.verdict is Verdict.VACUOUS:
        hint = _VACUOUS_HINT
    elif evidence.verdict is Verdict.FAILED:
        hint = "take the secret out and make it invalid; what is none is marked with `pragma: allowlist secret`"
    return replace(evidence, summary=evidence.summary + told, counts=counts, hint=hint)


def _secrets(report: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, found in mapping(report.get("results"), "`results` of detect-secrets").items():
        yield from ((path, secret) for secret in objects(found, "`results` of detect-secrets"))


def _identity(path: str, secret: dict[str, Any]) -> tuple[Any, ...]:
    return os.path.normpath(path), str(secret.get("type")), str(secret.get("hashed_secret"))


def _batches(names: Iterable[str]) -> Iterator[list[str]]:
    """So many at a time as a command line takes anywhere."""
    batch: list[str] = []
    characters = 0
    for name in names:
        if batch and characters + len(name) > _MOST_CHARACTERS:
            yield batch
            batch, characters = [], 0
        batch.append(name)
        characters += len(name) + 1
    if batch:
        yield batch


def _is_file(path: Path) -> bool:
    """A link is not followed: what it names is the project's own and looked into itself, or is not its own."""
    return path.is_file() and not path.is_symlink()


def _as_printed(name: str) -> str:
    """What cannot be printed is escaped on standard error."""
    return name.encode(errors="backslashreplace").decode()


def _with_left_out(evidence: Evidence, scans: Sequence[_Scan]) -> Evidence:
    others, left_out = [name for scan in scans for name in scan.others], sum(scan.left_out for scan in scans)
    told = evidence.summary
    if others:
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        told += f"; not looked into, because it is not in UTF-8: {others[0]}{more}"
    if left_out:
        told += f"; {counted(left_out, 'file')} left out by filters"
    detectors = max(len(scan.report.get("plugins_used") or ()) for scan in scans)
    counts = {**evidence.counts, "unread": len(others), "left_out": left_out, "detectors": detectors}
    return replace(evidence, summary=told, counts=counts)


HANDLER = GateHandler(("gate:secrets",), DetectSecrets())
