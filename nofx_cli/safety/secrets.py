"""The secrets of a project: which scopes there are stands in `nofx.yaml`, their values only where that says.

A step gets the values of its scopes when it begins, and nothing keeps them after it has ended. Whoever gets values here
has them masked from then on.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nofx_cli import errors
from nofx_cli.domain.project import SecretKind, SecretSpec
from nofx_cli.safety.secret_sources import NotToBeHad, value_of

Declared = Mapping[str, tuple[SecretSpec, ...]]
"""The secrets of each scope."""

_AT_HAND = (SecretKind.ENV, SecretKind.FILE)


class Secrets(Mapping[str, str]):
    """Values by name. Its `repr` tells the names alone."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = dict(values)

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Secrets({', '.join(self._values)})"

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("secrets are not written down")


@dataclass(frozen=True, slots=True, repr=False)
class Looked:
    """What came of looking for one secret: its value, or why it cannot be had."""

    spec: SecretSpec
    value: str = ""
    why: str = ""
    remedy: str = ""

    def __repr__(self) -> str:
        return f"Looked({self.spec.scope}.{self.spec.name}, {self.why or 'found'})"


def resolve(scopes: Sequence[str], declared: Declared, *, project: Path, environ: Mapping[str, str]) -> Secrets:
    """The values of all secrets of some scopes.

    Raises:
        errors.InvalidInput: a scope is not declared (code `secret-scope-unknown`), two of the scopes have different
            secrets of one name (`secret-ambiguous`), or a value cannot be had (`secret-unavailable`). No message and
            no context of it holds a value.
    """
    values: dict[str, str] = {}
    for spec in _specs(scopes, declared):
        looked = look(spec, project=project, environ=environ)
        if looked.why:
            raise errors.InvalidInput(
                f"the secret {spec.name} of scope {spec.scope} ({spec.kind}, {spec.source}) {looked.why}",
                code="secret-unavailable",
                hint=looked.remedy,
                context={"scope": spec.scope, "secret": spec.name, "kind": spec.kind.value, "source": spec.source},
            )
        values[spec.name] = looked.value
    return Secrets(values)


def look(spec: SecretSpec, *, project: Path, environ: Mapping[str, str]) -> Looked:
    """Look for one secret; a command is run for it."""
    try:
        return Looked(spec, value_of(spec, project=project, environ=environ))
    except NotToBeHad as exc:
        return Looked(spec, why=exc.why, remedy=exc.remedy)


def known_values(declared: Declared, *, project: Path, environ: Mapping[str, str]) -> list[str]:
    """The values that can be had without running anything, for the masker of every process: of variables and files."""
    at_hand = [spec for specs in declared.values() for spec in specs if spec.kind in _AT_HAND]
    found = (look(spec, project=project, environ=environ) for spec in at_hand)
    return [looked.value for looked in found if looked.value]


def _specs(scopes: Sequence[str], declared: Declared) -> Iterator[SecretSpec]:
    taken: dict[str, SecretSpec] = {}
    for scope in scopes:
        if scope not in declared:
            raise _unknown(scope, declared)
        for spec in declared[scope]:
            other = taken.setdefault(spec.name, spec)
            if (other.kind, other.where) != (spec.kind, spec.where):
                raise errors.InvalidInput(
                    f"the scopes {other.scope} ({other.source}) and {spec.scope} ({spec.source}) both have a secret "
                    f"{spec.name}, and not the same one",
                    code="secret-ambiguous",
                    hint="give the step one of the scopes, or one of the secrets another name",
                )
            if other is spec:
                yield spec


def _unknown(scope: str, declared: Declared) -> errors.InvalidInput:
    from difflib import get_close_matches

    close = get_close_matches(scope, declared, n=1)
    there = f"did you mean {close[0]}?" if close else f"there are {', '.join(declared) or 'none'}"
    return errors.InvalidInput(
        f"the scope of secrets {scope!r} is not declared in nofx.yaml; {there}",
        code="secret-scope-unknown",
        hint="declare it below `secrets:` in nofx.yaml, or mend the step's `secrets_scope`",
        context={"scope": scope},
    )
