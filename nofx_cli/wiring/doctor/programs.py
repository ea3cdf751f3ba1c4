"""Ask a program for its version."""

from collections.abc import Sequence

_TIME_LIMIT_SECONDS = 10


def version_of(argv: Sequence[str]) -> str:
    """The first line of what the program prints for `--version`.

    Raises:
        OSError: it cannot be started, or does not answer in time.
    """
    import subprocess

    try:
        answer = subprocess.run(
            [*argv, "--version"],
            capture_output=True,
            timeout=_TIME_LIMIT_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired as exc:
        raise OSError(f"gave no answer in {_TIME_LIMIT_SECONDS} s") from exc
    text = (answer.stdout or answer.stderr).decode(errors="replace").strip()
    if answer.returncode:
        raise OSError(f"exited with {answer.returncode}")
    return text.split("\n")[0]
