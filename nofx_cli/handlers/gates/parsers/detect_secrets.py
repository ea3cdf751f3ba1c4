"""`detect-secrets scan`, and its baselines: secrets by file. It exits with 0 whatever it finds.

It does not say how many files it examined; who knows that otherwise says it by `files`.
"""

from pathlib import Path
from typing import Any

from nofx_cli.handlers.gates.evidence import Evidence, NoEvidence
from nofx_cli.handlers.gates.findings import Finding
from nofx_cli.handlers.gates.parsers.conclusion import conclude
from nofx_cli.handlers.gates.parsers.reading import json_of, line_of, mapping, objects, position, relative

_HINT = "`gate:secrets` counts the files; `min_examined: 0` takes the report as it is"


def judge(data: bytes, *, exit_code: int, last: str = "", workspace: Path, files: int | None = None) -> Evidence:
    """Every secret fails, but those that a person marked as false (`is_secret: false` in a baseline).

    Raises:
        NoEvidence: the report is not detect-secrets', no detector was on, or it contradicts the exit code.
    """
    report = mapping(json_of(data, by="detect-secrets"), "the report of detect-secrets")
    if not objects(report.get("plugins_used"), "`plugins_used` in the report of detect-secrets"):
        raise NoEvidence("detect-secrets had no detector to look with", retryable=False)
    results = mapping(report.get("results"), "`results` in the report of detect-secrets")
    secrets = [
        (path, secret) for path, found in results.items() for secret in objects(found, "`results` of detect-secrets")
    ]
    real = [(path, secret) for path, secret in secrets if secret.get("is_secret") is not False]
    return conclude(
        "detect-secrets",
        [_finding(secret, relative(path, workspace)) for path, secret in real],
        data=data,
        exit_code=exit_code,
        last=last,
        examined=files,
        counts={"accepted": len(secrets) - len(real)},
        hint=_HINT,
    )


def _finding(secret: dict[str, Any], path: str) -> Finding:
    kind = line_of(secret.get("type")) or "Secret"
    rule = "-".join(kind.lower().split())
    return Finding(path, position(secret.get("line_number")), 0, rule, "error", f"{kind} in the file")
