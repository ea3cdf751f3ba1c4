"""SARIF 2.1.0, as scanners write it, and as some get it wrong.

A log has runs, a run has results. What blocks is a result of level `error` or `warning`, of kind `fail`, that is
neither suppressed nor known from the tool's own baseline. A run that says that it did not succeed, or that tells of an
error on its way, such as a file that it could not parse, is no evidence; nor is one without a list of results, which by
the format means that nothing was looked for. How much was examined is the number of `artifacts`, where they are given.
Sections are those of https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from nofx_cli.handlers.gates.evidence import Evidence, NoEvidence
from nofx_cli.handlers.gates.findings import Finding
from nofx_cli.handlers.gates.parsers.conclusion import conclude
from nofx_cli.handlers.gates.parsers.reading import json_of, line_of, mapping, objects, position, relative

_EXAMINED_ROLES = frozenset({"analysisTarget", "resultFile", "modified", "unmodified", "added", "renamed"})
_LEVELS = {"error": "error", "warning": "warning", "note": "note", "none": "note"}
_HINT = "let the tool list the `artifacts` that it examined, or take its report as it is by `min_examined: 0`"


def judge(data: bytes, *, exit_code: int, last: str = "", workspace: Path, files: int | None = None) -> Evidence:
    """Errors and warnings fail; notes do where the exit code says so. `files`: how many were examined, for who knows.

    Raises:
        NoEvidence: it is no SARIF 2.1, a run did not succeed, or it contradicts the exit code.
    """
    log = mapping(json_of(data, by="the command"), "the report")
    _refuse_other_version(log)
    runs = [_Run(run, workspace) for run in objects(log.get("runs"), "`runs` in the SARIF report")]
    if not runs:
        raise NoEvidence("the SARIF report has no run")
    for run in runs:
        run.refuse_failed()
    findings = [finding for run in runs for finding in run.findings()]
    return conclude(
        runs[0].tool,
        findings,
        data=data,
        exit_code=exit_code,
        last=last,
        examined=_examined(runs, findings) if files is None else files,
        blocking=("error", "warning"),
        counts={"suppressed": sum(run.suppressed for run in runs)},
        hint=_HINT,
    )


def _refuse_other_version(log: dict[str, Any]) -> None:
    version = line_of(log.get("version")) or line_of(log.get("$schema")).rpartition("sarif-")[2]
    if not version.startswith("2.1"):
        raise NoEvidence(f"the report is no SARIF 2.1 (its version is {version or 'not given'})", retryable=False)


def _examined(runs: "Sequence[_Run]", findings: Sequence[Finding]) -> int | None:
    """How many files; None where a run does not say."""
    listed = [run.artifacts for run in runs]
    if any(paths is None for paths in listed):
        return None
    found = {finding.path for finding in findings if finding.path}
    return len(found.union(*(paths for paths in listed if paths)))


class _Run:
    """One run of a log. Attributes: `artifacts`, the examined files, None where it has no list; `suppressed`."""

    def __init__(self, run: dict[str, Any], workspace: Path) -> None:
        self._run, self._workspace = run, workspace
        driver = _object(_object(run.get("tool")).get("driver"))
        self.tool = line_of(driver.get("name")) or "the tool"
        self._rules = _objects(driver.get("rules"))
        self._by_id = {line_of(rule.get("id")): rule for rule in self._rules}
        self._results = objects(run.get("results"), f"`results` of {self.tool}")
        self._listed = None if run.get("artifacts") is None else objects(run["artifacts"], "`artifacts`")
        self.artifacts = None if self._listed is None else set(filter(None, map(self._artifact, self._listed)))
        self.suppressed = sum(map(_is_suppressed, self._results))

    def refuse_failed(self) -> None:
        """Raise `NoEvidence` where the run says that it failed (3.20.14), or tells of an error (3.20.21, 3.20.22)."""
        for call in _objects(self._run.get("invocations")):
            told = [*_objects(call.get("toolConfigurationNotifications")),
                    *_objects(call.get("toolExecutionNotifications"))]  # fmt: skip
            errors = [line_of(_object(one.get("message")).get("text")) for one in told if one.get("level") == "error"]
            if errors:
                raise NoEvidence(f"{self.tool} met an error: {errors[0] or 'it does not say which'}")
            if call.get("executionSuccessful") not in (True, None):
                raise NoEvidence(f"{self.tool} says that it did not succeed")

    def findings(self) -> Iterator[Finding]:
        for result in self._results:
            kind, state = result.get("kind", "fail"), result.get("baselineState")
            if _is_suppressed(result) or state == "absent" or kind in ("pass", "notApplicable", "informational"):
                continue
            finding = self._finding(result)
            # What is open, wants a review or was there before is told and does not block by itself (3.27.9, 3.27.24).
            known = kind in ("open", "review") or state == "unchanged"
            yield replace(finding, severity="note") if known else finding

    def _finding(self, result: dict[str, Any]) -> Finding:
        rule = self._rule(result)
        identity = result.get("ruleId") or _object(result.get("rule")).get("id") or rule.get("id")
        level = result.get("level") or _object(rule.get("defaultConfiguration")).get("level")
        place = _object(next(iter(_objects(result.get("locations"))), {}).get("physicalLocation"))
        region = _object(place.get("region"))
        return Finding(
            path=self._path(_object(place.get("artifactLocation"))),
            line=position(region.get("startLine")),
            column=position(region.get("startColumn")),
            rule=line_of(identity) or self.tool,
            severity=_LEVELS.get(level, "warning") if isinstance(level, str) else "warning",
            message=_message(result, rule),
        )

    def _rule(self, result: dict[str, Any]) -> dict[str, Any]:
        index = result.get("ruleIndex", _object(result.get("rule")).get("index"))
        if isinstance(index, int) and 0 <= index < len(self._rules):
            return self._rules[index]
        return self._by_id.get(line_of(result.get("ruleId")), {})

    def _artifact(self, artifact: dict[str, Any]) -> str:
        roles = artifact.get("roles")
        if isinstance(roles, list) and roles and not _EXAMINED_ROLES.intersection(map(line_of, roles)):
            return ""
        return self._path(_object(artifact.get("location")))

    def _path(self, location: dict[str, Any]) -> str:
        """A location names a file by its URI, or by its place in the list of artifacts (3.4)."""
        index = location.get("index")
        if "uri" not in location and self._listed and isinstance(index, int) and 0 <= index < len(self._listed):
            location = _object(self._listed[index].get("location"))
        base = _object(_object(self._run.get("originalUriBaseIds")).get(line_of(location.get("uriBaseId"))))
        uri = line_of(location.get("uri"))
        root = _of_uri(line_of(base.get("uri")))
        path = _of_uri(uri)
        return relative(path if not root or path.startswith("/") else f"{root}/{path}", self._workspace) if uri else ""


def _of_uri(uri: str) -> str:
    try:
        parts = urlsplit(uri)
    except ValueError:
        return uri
    return unquote(parts.path) if parts.scheme in ("", "file") else uri


def _is_suppressed(result: dict[str, Any]) -> bool:
    """By every suppression that is given, none of which is still open or was rejected (3.27.23)."""
    given = _objects(result.get("suppressions"))
    return bool(given) and all(one.get("status", "accepted") == "accepted" for one in given)


def _message(result: dict[str, Any], rule: dict[str, Any]) -> str:
    message = _object(result.get("message"))
    template = _object(_object(rule.get("messageStrings")).get(line_of(message.get("id"))))
    description = _object(rule.get("shortDescription"))
    return line_of(message.get("text") or message.get("markdown") or template.get("text") or description.get("text"))


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _objects(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
