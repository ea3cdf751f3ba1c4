"""What a job leaves for the steps and jobs behind it: outputs of GitHub's step, variables in a file for GitLab."""

import os
from collections.abc import Mapping
from pathlib import Path

from nofx_cli.cli.github import on_github
from nofx_cli.cli.github.job_file import append_to
from nofx_cli.cli.output import note

_OUTPUT = "GITHUB_OUTPUT"


def tell_outputs(environ: Mapping[str, str], outputs: Mapping[str, str]) -> None:
    """Append to the file `$GITHUB_OUTPUT`, where this is a job of GitHub Actions and it names one."""
    path = environ.get(_OUTPUT, "")
    if not path or not on_github(environ):
        return
    try:
        append_to(Path(path), "".join(_line(name, value) for name, value in outputs.items()))
    except OSError as exc:
        note(f"the outputs of this job's step cannot be written: {exc.strerror}")


def variables_text(variables: Mapping[str, str]) -> str:
    """A file of variables, as GitLab's `artifacts:reports:dotenv` reads it: no value has a line break."""
    return "".join(f"{name}={value}\n" for name, value in variables.items() if "\n" not in value)


def _line(name: str, value: str) -> str:
    """One that no value can end early: what ends it is random."""
    if "\n" not in value and "\r" not in value:
        return f"{name}={value}\n"
    end = f"nofx-{os.urandom(16).hex()}"
    return f"{name}<<{end}\n{value}\n{end}\n"
