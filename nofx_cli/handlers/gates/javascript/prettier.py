"""The check of JavaScript and TypeScript behind `gate:format`: prettier. Nothing is ever rewritten.

The verdict rests on three things that prettier says of one execution: on its standard output the files that it would
change, among its messages those that do not parse, and with `--log-level debug` every file whose settings it looked
up, which it does for each that it examines (and for files of no language it knows, which do not count):

    exit code   prettier says                                  verdict
    any         some would be changed, or do not parse         failed
    0           some files examined                            passed
    0, 2        no file is there, or all are ignored           vacuous
    other       (settings, usage)                              errored
"""

import re
from collections.abc import Iterator
from pathlib import Path

from nofx_cli.domain.outcome import Verdict
from nofx_cli.domain.wording import counted
from nofx_cli.handlers.gates.evidence import Evidence, NoEvidence, read_report
from nofx_cli.handlers.gates.findings import Finding
from nofx_cli.handlers.gates.gate import Examination, refuse_missing, run_program
from nofx_cli.handlers.gates.javascript.manifest import is_set_up
from nofx_cli.handlers.gates.javascript.node_programs import major_version, node_program
from nofx_cli.handlers.gates.parsers.reading import line_of, relative

UNFORMATTED, UNPARSED = "unformatted", "invalid-syntax"
SETTINGS = (
    *(f".prettierrc{kind}" for kind in ("", ".json", ".yml", ".yaml", ".json5", ".toml")),
    *(f".prettierrc.{kind}" for kind in ("js", "cjs", "mjs", "ts", "cts", "mts")),
    *(f"prettier.config.{kind}" for kind in ("js", "cjs", "mjs", "ts", "cts", "mts")),
)
_EXAMINED = re.compile(r"\[debug\] resolve config from '(?P<path>[^\n]+)'")
_BROKEN = re.compile(
    r"\[error\] (?P<path>[^:\n]+): (?P<text>\w*Error: .*?)(?: \((?P<line>\d{1,9}):(?P<column>\d{1,9})\))?"
)
_ERROR = "[error] "
_NOTHING = (
    f"{_ERROR}No supported files were found",
    f"{_ERROR}No matching files",
    f"{_ERROR}No files matching",
    f"{_ERROR}Explicitly specified",
    f"{_ERROR}All matched files were ignored",
)
_LANGUAGES = frozenset({
    "cjs", "css", "cts", "gql", "graphql", "handlebars", "hbs", "html", "js", "json", "json5", "jsonc", "jsx", "less",
    "markdown", "md", "mdx", "mjs", "mts", "scss", "ts", "tsx", "vue", "yaml", "yml",
})  # fmt: skip
"""What prettier formats without plugins, by the ends of names: it looks up settings for other files as well."""
_OLD = 3
"""The version that renamed `--loglevel`."""
_VACUOUS_HINT = "point `paths` at the code, see what .prettierignore and .gitignore leave out, or leave the gate out"


class Prettier:
    """prettier, where the project is set up for it."""

    name = "prettier"
    report = "prettier.txt"
    refused_args = (
        "--write", "-w", "--check", "-c", "--list-different", "--cache", "--cache-location", "--cache-strategy",
        "--log-level", "--loglevel", "--stdin-filepath", "--no-error-on-unmatched-pattern", "--ignore-unknown", "-u",
        "--insert-pragma", "--require-pragma", "--check-ignore-pragma", "--find-config-path", "--file-info",
        "--support-info", "--range-start", "--range-end", "--debug-check", "--help", "-h", "--version", "-v",
    )  # fmt: skip

    def applies(self, workspace: Path) -> bool:
        return is_set_up(workspace, "prettier", key="prettier", files=SETTINGS)

    def command(self, exam: Examination) -> list[str]:
        prettier = node_program(exam.workspace, "prettier", paths=exam.paths)
        old = 0 < major_version(prettier, "prettier") < _OLD
        said = ["--list-different", "--loglevel" if old else "--log-level", "debug", "--no-color"]
        return [str(prettier), *exam.args, *said, "--", *(exam.paths or ["."]), *_but_the_store(exam)]

    def examine(self, exam: Examination) -> Evidence:
        refuse_missing(exam)
        listed, messages = exam.reports / self.report, exam.reports / "messages.txt"
        result = run_program(exam.ctx, "prettier", self.command(exam), stdout=listed, stderr=messages)
        said = read_report(messages, by="prettier").decode(errors="replace").splitlines()
        exam.ctx.log("\n".join(line for line in said if not line.startswith("[debug]")))
        data = read_report(listed, by="prettier")
        return judge(data, said, exit_code=result.exit_code or 0, workspace=exam.workspace)


def judge(listed: bytes, said: list[str], *, exit_code: int, workspace: Path) -> Evidence:
    """Make evidence of the files that prettier lists and of what it says, as the table above tells.

    Raises:
        NoEvidence: it broke, or what it says contradicts the exit code.
    """
    names = [line for line in listed.decode(errors="replace").splitlines() if line.strip()]
    changed = [
        Finding(relative(name, workspace), 0, 0, UNFORMATTED, "error", "prettier would change it") for name in names
    ]
    unparsed = list(_unparsed(said, workspace))
    looked_at = [relative(match["path"], workspace) for line in said if (match := _EXAMINED.fullmatch(line))]
    files = {path for path in looked_at if path.rpartition(".")[2].lower() in _LANGUAGES}
    files |= {finding.path for finding in (*changed, *unparsed)}
    last = next((f": {line_of(line.removeprefix(_ERROR))}" for line in said if line.startswith(_ERROR)), "")
    if not (changed or unparsed) and exit_code:
        if any(line.startswith(_NOTHING) for line in said):
            return Evidence(Verdict.VACUOUS, "prettier examined no file", {"files": 0}, hint=_VACUOUS_HINT)
        raise NoEvidence(f"prettier exited with code {exit_code}{last}")
    if not any(line.startswith("[debug]") for line in said) and not (changed or unparsed):
        raise NoEvidence("prettier ended without saying what it examined")
    if not files:
        return Evidence(Verdict.VACUOUS, "prettier examined no file", {"files": 0}, hint=_VACUOUS_HINT)
    summary = f"{len(changed)} of {counted(len(files), 'file')} would be reformatted"
    return Evidence(
        Verdict.FAILED if changed or unparsed else Verdict.PASSED,
        summary + (f", {len(unparsed)} cannot be parsed" if unparsed else ""),
        {"files": len(files), "findings": len(changed) + len(unparsed), "unparsed": len(unparsed)},
        (*changed, *unparsed),
        listed + "\n".join(said).encode(),
    )


def _unparsed(said: list[str], workspace: Path) -> Iterator[Finding]:
    for line in said:
        if match := _BROKEN.fullmatch(line):
            line_number, column = (int(match[name] or 0) for name in ("line", "column"))
            path, text = relative(match["path"], workspace), line_of(match["text"])
            yield Finding(path, line_number, column, UNPARSED, "error", text)


def _but_the_store(exam: Examination) -> list[str]:
    return [f"!{exam.store}/**"] if exam.store else []
