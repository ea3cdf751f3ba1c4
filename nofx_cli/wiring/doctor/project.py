"""The project: the programs its gates use, and its plugins."""

from collections.abc import Iterator

from nofx_cli.handlers.gates.evidence import NoEvidence
from nofx_cli.handlers.gates.programs import program, python_module
from nofx_cli.handlers.registry import Registry
from nofx_cli.wiring.doctor.finding import Finding, fail, ok, warn
from nofx_cli.wiring.doctor.programs import version_of
from nofx_cli.wiring.session import Session

_GATES = (("gate:lint", "ruff", program), ("gate:unit", "pytest", python_module))


def checks(session: Session) -> Iterator[Finding]:
    for gate, name, find in _GATES:
        try:
            argv = find(session.project, name)
            yield ok(gate, f"{version_of(argv)}, {' '.join(argv)}")
        except NoEvidence as exc:
            yield warn(gate, exc.evidence.summary, exc.evidence.hint)
        except OSError as exc:
            yield warn(gate, f"{name} cannot be used: {exc}", f"pip install {name}")
    broken = Registry(session.project).broken()
    if not broken:
        yield ok("plugins", "none is broken")
    for plugin in broken:
        yield fail("plugins", str(plugin), "mend it, or take it away")
