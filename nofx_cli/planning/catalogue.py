"""Plans by name: those of the project, in its `plans/`, and those that come with nofx."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from nofx_cli import errors
from nofx_cli.domain.record import record
from nofx_cli.planning.document import compose, read_plan_text
from nofx_cli.planning.report import Report, did_you_mean, quoted

_SUFFIXES = (".yaml", ".yml")


@record
class PlanFile:
    """A plan as text. `source` is what messages call it: its path, relative where it lies below the working folder."""

    name: str
    path: Path
    text: str
    source: str


@record
class Listed:
    """A plan that can be run by its name.

    Attributes:
        goal: what it says of itself; empty where it says nothing or cannot be read.
        fault: why it cannot be read, in one line; empty where it can.
        shadows: whether it is a project's and hides a built-in of the same name.
    """

    name: str
    origin: Literal["project", "built-in"]
    path: Path
    goal: str = ""
    fault: str = ""
    shadows: bool = False


def find_plan(name_or_path: str, *, project: Path) -> PlanFile:
    """Read a plan: by its path (it has a `/`, ends in .yaml or .yml, or is a file), else by its name.

    A name is looked for in the project's `plans/` first, then among the built-in plans.

    Raises:
        errors.NotFound: there is none (code `plan-not-found`).
        PlanInvalid: the file is not UTF-8, or too large.
    """
    path = Path(name_or_path)
    if os.sep in name_or_path or name_or_path.endswith(_SUFFIXES) or path.is_file():
        return _read(path, name_or_path)
    found = _in_folder(project / "plans", name_or_path) or _in_folder(built_in_folder(), name_or_path)
    if found is None:
        raise _not_found(name_or_path, project)
    return _read(found, _source(found))


def available(project: Path) -> list[Listed]:
    """Every plan that has a name here, by name, the project's first; built-in ones that are hidden are left out."""
    built_in = dict(_named(built_in_folder()))
    own = dict(_named(project / "plans")) if project / "plans" != built_in_folder() else {}
    listed = [_listed(name, path, "project", shadows=name in built_in) for name, path in own.items()]
    return listed + [_listed(name, path, "built-in") for name, path in built_in.items() if name not in own]


def plan_names(project: Path) -> list[str]:
    """The names alone, without opening a file: for completion."""
    return sorted({name for folder in (project / "plans", built_in_folder()) for name, _ in _named(folder)})


def built_in_folder() -> Path:
    """Where the plans that come with nofx lie: inside the package, or beside it in a checkout."""
    package = Path(__file__).parents[1]
    inside = package / "plans"
    return inside if inside.is_dir() else package.parent / "plans"


def _in_folder(folder: Path, name: str) -> Path | None:
    return next((path for suffix in _SUFFIXES if (path := folder / f"{name}{suffix}").is_file()), None)


def _named(folder: Path) -> Iterator[tuple[str, Path]]:
    if folder.is_dir():
        for path in sorted(folder.iterdir(), key=lambda path: (path.stem, path.suffix)):
            if path.suffix in _SUFFIXES and path == _in_folder(folder, path.stem):
                yield path.stem, path


def _listed(name: str, path: Path, origin: Literal["project", "built-in"], *, shadows: bool = False) -> Listed:
    from nofx_cli.planning.diagnostics import PlanInvalid

    try:
        goal = _goal(_read(path, str(path)))
    except PlanInvalid as exc:
        first = exc.diagnostics[0]
        return Listed(name, origin, path, fault=f"line {first.line}: {first.message}", shadows=shadows)
    except errors.NotFound as exc:
        return Listed(name, origin, path, fault=exc.message, shadows=shadows)
    return Listed(name, origin, path, goal, shadows=shadows)


def _goal(plan: PlanFile) -> str:
    root = compose(plan.text, Report(plan.source, plan.text))
    if root.id != "mapping":
        return ""
    goals = (value.value for key, value in root.value if key.value == "goal" and value.id == "scalar")
    return " ".join(next(goals, "").split())


def _read(path: Path, source: str) -> PlanFile:
    return PlanFile(path.stem, path, read_plan_text(path), source)


def _source(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def _not_found(name: str, project: Path) -> errors.NotFound:
    names = plan_names(project)
    near = did_you_mean(name, names)
    hint = near or (f"there are {', '.join(map(quoted, names))}" if names else "give the path of a plan file")
    return errors.NotFound(f"there is no plan {quoted(name)}", code="plan-not-found", hint=hint, context={"plan": name})
