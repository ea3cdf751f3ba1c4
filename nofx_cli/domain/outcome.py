"""What an attempt at a step ended in. Outcomes are values; only cancellation is an exception."""

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from typing import TypeAlias

from nofx_cli.domain.ids import Digest, JsonObject, JsonValue
from nofx_cli.domain.record import record


class Verdict(StrEnum):
    """What a gate says. Only `PASSED` is a pass."""

    PASSED = "passed"
    FAILED = "failed"
    ERRORED = "errored"
    VACUOUS = "vacuous"
    SKIPPED = "skipped"
    TIMED_OUT = "timed_out"

    @property
    def words(self) -> str:
        """As it is told to people: `timed out`."""
        return self.value.replace("_", " ")

    @property
    def is_judgement(self) -> bool:
        """Whether the gate came to a result at all."""
        return self in {Verdict.PASSED, Verdict.FAILED}


@record
class StepError:
    """Why a step failed. `code` is kebab-case (`timeout`, `exit-code`, `signal`, …); `hint` says what mends it."""

    code: str
    message: str
    hint: str = ""


@record
class GateEvaluation:
    """The evidence of a gate: its verdict, in one sentence why, and what it counted.

    Attributes:
        gate: the tool, such as `gate:lint`.
        counts: what was parsed, e.g. `{"files": 120, "findings": 3}` or `{"tests": 40, "failed": 1}`.
        digest: SHA-256 of the report kept as an artifact; empty when the tool gave none.
        found: how many findings block and a digest of them, as `findings.found_of` has it; empty where none was parsed.
    """

    gate: str
    verdict: Verdict
    summary: str
    counts: Mapping[str, int] = field(default_factory=dict)
    digest: Digest | str = ""
    found: str = ""


@record
class Succeeded:
    """The step did its work. `outputs` are seen by later steps; together they stay below 64 KiB."""

    outputs: JsonObject = field(default_factory=dict)
    gate: GateEvaluation | None = None


@record
class Failed:
    """The step failed; `retryable` failures are tried again within the step's `retry`.

    `wait_ms` is how long whoever refused it wants to be left alone: the next attempt is not due before, though at the
    latest after an hour.
    """

    error: StepError
    retryable: bool = False
    outputs: JsonObject = field(default_factory=dict)
    gate: GateEvaluation | None = None
    wait_ms: int = 0


@record
class Waiting:
    """The step cannot go on without a person; `question` is what is asked, `shown` what the answer is bound to."""

    question: str
    shown: Mapping[str, JsonValue] = field(default_factory=dict)


Outcome: TypeAlias = Succeeded | Failed | Waiting
