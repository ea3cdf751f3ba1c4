"""The machine: Python, what the platform can do, git, limits, shell completion."""

import platform
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from nofx_cli import __version__
from nofx_cli.wiring.doctor.finding import Finding, fail, ok, warn
from nofx_cli.wiring.doctor.programs import version_of

_FEWEST_FILES = 256
_COMPLETIONS = {
    "bash": ".bash_completions/nofx.sh",
    "zsh": ".zfunc/_nofx",
    "fish": ".config/fish/completions/nofx.fish",
}


def checks(environ: Mapping[str, str]) -> Iterator[Finding]:
    yield ok("nofx", f"{__version__}, {Path(__file__).parents[2]}")
    yield ok("python", f"{platform.python_version()}, {sys.executable}")
    yield _platform()
    yield _git()
    yield _sandbox()
    yield _open_files()
    yield _completion(environ)


def _platform() -> Finding:
    name = f"{platform.system()} {platform.release()}, {platform.machine()}"
    if sys.platform.startswith("linux"):
        return ok("platform", name)
    if sys.platform == "darwin":
        told = f"{name}: there is no subreaper, so a process that leaves its group is found by its environment alone"
        return warn("platform", told, "have steps not start daemons, or run them on Linux")
    return fail("platform", f"{name}: nofx is made for Linux and macOS", "run it there, or in a container")


def _git() -> Finding:
    try:
        return ok("git", version_of(["git"]))
    except OSError as exc:
        told = f"git cannot be used ({exc}): runs do not record the commit that they work on"
        return warn("git", told, "install git")


def _sandbox() -> Finding:
    from nofx_cli.safety.sandbox import Unavailable, find_means

    means = find_means()
    if isinstance(means, Unavailable):
        told = f"a step with `sandbox` fails, unless that is optional: {means.why}"
        return warn("sandbox", told, means.remedy)
    return ok("sandbox", f"steps can be shut in, by {means.name}")


def _open_files() -> Finding:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    told = f"{soft} open files a process"
    if soft != resource.RLIM_INFINITY and soft < _FEWEST_FILES:
        return warn("limits", f"{told} are few for parallel steps", f"ulimit -n {min(hard, 1024)}")
    return ok("limits", told)


def _completion(environ: Mapping[str, str]) -> Finding:
    shell = Path(environ.get("SHELL", "")).name
    place = _COMPLETIONS.get(shell)
    if place is None:
        return ok("completion", f"not known for the shell {shell or '(none)'}")
    if (Path(environ.get("HOME") or Path.home()) / place).is_file():
        return ok("completion", f"installed for {shell}")
    return ok("completion", f"not installed for {shell}", "nofx --install-completion")
