"""The two means to shut a process in: bubblewrap, and namespaces that our launcher makes itself.

`bwrap` is taken where it works: a system may let it do what it lets no other program do. The places are mounted alike
by both, and who is shut in has no capabilities, and gains none.
"""

import os
import subprocess
from collections.abc import Sequence

from nofx_cli.safety import sandbox_order as order
from nofx_cli.safety.sandbox_launch import launcher_command
from nofx_cli.safety.sandbox_layout import Kind, Layout

_PROBE_SECONDS = 10
_MOUNT = {Kind.PRIVATE: "--tmpfs", Kind.OPEN: "--bind", Kind.SHUT: "--ro-bind"}
# `bwrap`, and our launcher in it, would die of a signal to the whole group while the program heeds it.
_UNMOVED = ("/bin/sh", "-c", 'trap "" HUP INT QUIT TERM USR1 USR2; exec "$@"', "nofx-sandbox")
_SWITCHES = (
    ("/proc/sys/kernel/unprivileged_userns_clone", "0", "sysctl -w kernel.unprivileged_userns_clone=1"),
    ("/proc/sys/user/max_user_namespaces", "0", "sysctl -w user.max_user_namespaces=10000"),
    (
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
    ),
)
INSTALL = "install bubblewrap (`bwrap`)"


class Bubblewrap:
    """`bwrap`, which waits for the program and tells an end by signal n as 128 + n: so our launcher stands between."""

    name = "bubblewrap"
    forks = True

    def __init__(self, path: Sequence[str] | None = None) -> None:
        """Look for it in `path`, by default where this process finds programs; never in a relative folder."""
        folders = os.get_exec_path() if path is None else path
        found = (os.path.join(folder, "bwrap") for folder in folders if folder.startswith("/"))
        self._program = next((file for file in found if os.access(file, os.X_OK)), "")

    def why_not(self) -> tuple[str, str]:
        if not self._program:
            return "bubblewrap is not installed", INSTALL
        why = _why_fails([*self.command(["/bin/sh", "-c", ":"], Layout(()), network=False)])
        return (f"bubblewrap does not work here: {why}", _remedy()) if why else ("", "")

    def command(self, launcher: Sequence[str], layout: Layout, *, network: bool) -> list[str]:
        """As `Means.command`. Signals that are ignored for the sake of `bwrap` are heeded again by the program."""
        kept = ["--unshare-user", "--unshare-ipc", *([] if network else ["--unshare-net"]), "--cap-drop", "ALL"]
        mounts = [text for place in layout.places for text in _mount(place.kind, place.path)]
        files = ["--ro-bind", "/", "/", "--dev", "/dev", *mounts]
        return [*_UNMOVED, self._program, *kept, *files, "--chdir", "/", "--", *launcher]


def _mount(kind: Kind, path: str) -> list[str]:
    return [_MOUNT[kind], path] if kind is Kind.PRIVATE else [_MOUNT[kind], path, path]


class Namespaces:
    """The launcher itself, which then becomes the program."""

    name = "user namespaces"
    forks = False

    def why_not(self) -> tuple[str, str]:
        """Try it: a process that makes the namespaces and the mounts and ends."""
        lists: list[list[bytes]] = [[]] * 7
        lists[order.PROGRAM], lists[order.ARGV], lists[order.CWD] = [b"/bin/sh"], [b"sh", b"-c", b":"], [b"/"]
        lists[order.PLACES] = [b"private", b"/tmp", b""]
        lists[order.OPTIONS] = [order.ENTERS.encode(), order.NO_NETWORK.encode()]
        paper = os.memfd_create("nofx-sandbox")
        try:
            os.write(paper, order.encode(lists))
            why = _why_fails([*launcher_command(), str(paper), "2"], paper)
        finally:
            os.close(paper)
        return (f"user namespaces do not work here: {why}", _remedy()) if why else ("", "")

    def command(self, launcher: Sequence[str], layout: Layout, *, network: bool) -> list[str]:
        return list(launcher)


def _why_fails(argv: Sequence[str], *files: int) -> str:
    """Run it to its end. It has our environment and our session, by which it is told from the strays of steps."""
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=_PROBE_SECONDS,
            pass_fds=files,
        )
    except subprocess.TimeoutExpired:
        return f"no answer in {_PROBE_SECONDS} s"
    except OSError as exc:
        return exc.strerror or str(exc)
    if not done.returncode:
        return ""
    last = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
    return _told(last) or f"exit code {done.returncode}"


def _told(line: str) -> str:
    """The launcher's answer as a sentence; what `bwrap` says as it is."""
    word, _, rest = line.partition(" ")
    if word.encode() != order.FAILED:
        return line
    number, _, what = rest.partition(" ")
    return f"it could not {what}: {os.strerror(int(number))}"


def _remedy() -> str:
    """What lets user namespaces work, as far as the system says what keeps them from it."""
    for path, off, mends in _SWITCHES:
        try:
            with open(path, encoding="ascii") as switch:
                if switch.read().strip() == off:
                    return mends
        except OSError:
            continue
    return "in a container, allow user namespaces and mounts; otherwise ask who runs this machine"
