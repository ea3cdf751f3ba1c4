"""The coding agents: which of those that nofx knows are installed, and whether those of the project are there."""

import shutil
from collections.abc import Iterator, Mapping

from nofx_cli.domain.plan import AGENT
from nofx_cli.handlers.agents.command import agent_of
from nofx_cli.handlers.agents.profile import PROFILES, Profile
from nofx_cli.wiring.doctor.finding import Finding, ok, warn
from nofx_cli.wiring.doctor.programs import version_of
from nofx_cli.wiring.session import Session


def checks(session: Session, environ: Mapping[str, str]) -> Iterator[Finding]:
    path = environ.get("PATH")
    declared = {name: spec for name, spec in session.services.rules().agents.items() if spec.command}
    missing = []
    for name, profile in PROFILES.items():
        if name in declared:
            continue
        if found := shutil.which(profile.command[0], path=path):
            yield _installed(name, profile, found)
        else:
            missing.append(name)
    if missing:
        yield ok("agents", f"not installed: {', '.join(missing)}")
    for name, spec in declared.items():
        agent = agent_of(name, spec)
        assert agent is not None
        # A path with a folder in it is relative to the project, as it is for the step.
        program = str(session.project / agent.program) if "/" in agent.program else agent.program
        if found := shutil.which(program, path=path):
            yield ok(AGENT + name, found)
        else:
            remedy = f"install it, or mend its `command` in {agent.source}"
            yield warn(AGENT + name, f"there is no program {agent.program}", remedy)


def _installed(name: str, profile: Profile, found: str) -> Finding:
    try:
        return ok(AGENT + name, f"{version_of([found])}, {found}")
    except OSError as exc:
        return warn(AGENT + name, f"{found} cannot be used: {exc}", profile.install)
