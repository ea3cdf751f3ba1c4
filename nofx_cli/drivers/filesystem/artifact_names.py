"""Names of artifacts: relative paths below the folder of their attempt."""

import itertools
from pathlib import Path, PurePosixPath

from nofx_cli import errors
from nofx_cli.safety.paths import case_clash, fault_of_name


def place_of(name: str) -> PurePosixPath:
    """Where an artifact of a name lies; raises `errors.InvalidInput` where the name is none (code `artifact-name`)."""
    fault = fault_of_name(name)
    if fault is not None:
        raise bad_name(name, fault[1])
    place = PurePosixPath(name)
    if not place.parts or ".." in place.parts or "\\" in name or name.endswith("/"):
        raise bad_name(name, "is not the path of a file below the folder")
    return place


def bad_name(name: str, why: str) -> errors.InvalidInput:
    return errors.InvalidInput(
        f"{name!r} cannot be the name of an artifact: it {why}",
        code="artifact-name",
        hint="use a relative path below the artifacts folder, such as report/index.html",
    )


def check_case(folder: Path, name: str) -> None:
    """Raises `errors.InvalidInput` where the folder has a name that differs only in case (code `path-case-clash`)."""
    clash = case_clash(folder, name)
    if clash:
        raise errors.InvalidInput(
            f"the artifact {name!r} differs only in case from {clash!r}, which was kept before",
            code="path-case-clash",
            hint="give it another name: elsewhere one would overwrite the other",
        )


def free_name(name: str, taken: set[str]) -> str:
    """Tell names apart that differed only in a secret, which was masked."""
    free = next(one for one in itertools.chain([name], (f"{name}~{n}" for n in itertools.count(2))) if one not in taken)
    taken.add(free)
    return free
