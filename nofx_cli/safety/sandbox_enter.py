"""Leave this machine's network and its writable files behind, for ever, by namespaces of our own.

In this order, since each is possible only then:

1. A user namespace, in which we are root and have all capabilities, and with it new namespaces for mounts, System V
   IPC and, if so wished, the network. Mounts are cut off from those of the machine.
2. Every mount read-only, without set-user-ID programs and without devices. Not only `/`: root of the machine needs no
   capability to write below `/proc/sys` or to a disk in `/dev`, but a mount that allows it.
3. Mounts of our own: `/dev`, private folders, what is open, what is shut in it. Their sources were opened before
   anything was put over them.
4. A second user namespace, in which we are who we were. What we and our descendants may get there counts nothing for
   the mounts, which belong to the first one; in a copy of them the kernel locks each.
5. No capabilities, and none to be gained by executing anything.

Whatever fails raises OSError, with what was tried as its `filename`.
"""

import os

from nofx_cli.safety import sandbox_kernel as kernel

_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_DEVICE_LINKS = {
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
    "ptmx": "pts/ptmx",
}
_PRIVATE, _OPEN = "private", "open"


def enter(places: list[tuple[str, str, str]], *, network: bool) -> None:
    """Shut this process in.

    Args:
        places: kind, path and identity as in `sandbox_layout`, each behind those that it lies in.
        network: whether it keeps the machine's network.
    """
    user, group = os.geteuid(), os.getegid()
    kernel.unshare(kernel.NEW_USER | kernel.NEW_MOUNTS | kernel.NEW_IPC | (0 if network else kernel.NEW_NETWORK))
    _map("/proc/self/", user=(0, user), group=(0, group))
    kernel.mount("", "/", flags=kernel.PRIVATE | kernel.RECURSIVE)
    proc = _detached_proc()
    sources = {path: _source(path) for kind, path, _ in places if kind != _PRIVATE}
    devices = {name: _source(f"/dev/{name}") for name in _DEVICES}
    kernel.set_tree("/", set_flags=kernel.READ_ONLY | kernel.NO_SUID | kernel.NO_DEVICES)
    _new_devices(devices)
    for kind, path, _ in places:
        _put(kind, path, sources.get(path))
    if not network:
        kernel.raise_loopback()
    kernel.unshare(kernel.NEW_USER)
    _map(f"/proc/self/fd/{proc}/self/", user=(user, 0), group=(group, 0))
    for file in (proc, *sources.values(), *devices.values()):
        os.close(file)
    kernel.drop_capabilities()


def _map(own: str, *, user: tuple[int, int], group: tuple[int, int]) -> None:
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{user[0]} {user[1]} 1"),
        ("gid_map", f"{group[0]} {group[1]} 1"),
    ):
        file = os.open(own + name, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(file, text.encode())
        except OSError as exc:
            raise OSError(exc.errno, exc.strerror, f"write {name} of a user namespace") from exc
        finally:
            os.close(file)


def _detached_proc() -> int:
    """A folder that is `/proc` and will not become read-only with it, because it is on no mount that can be found."""
    kernel.mount("/proc", "/proc", flags=kernel.BIND | kernel.RECURSIVE)
    proc = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    kernel.detach("/proc")
    return proc


def _source(path: str) -> int:
    return os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)


def _put(kind: str, path: str, source: int | None) -> None:
    if source is None:
        _make_target(path, folder=True)
        kernel.mount("tmpfs", path, kind="tmpfs", flags=kernel.NO_SUID | kernel.NO_DEVICES, options="mode=0755")
        return
    origin = f"/proc/self/fd/{source}"
    _make_target(path, folder=os.path.isdir(origin))
    kernel.mount(origin, path, flags=kernel.BIND | kernel.RECURSIVE)
    if kind == _OPEN:
        kernel.set_tree(path, clear_flags=kernel.READ_ONLY)


def _make_target(path: str, *, folder: bool) -> None:
    """Below a private folder there is nothing yet to mount on; elsewhere there is what is mounted."""
    if os.path.lexists(path):
        return
    os.makedirs(path if folder else os.path.dirname(path), mode=0o755, exist_ok=True)
    if not folder:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644))


def _new_devices(devices: dict[str, int]) -> None:
    flags = kernel.NO_SUID | kernel.NO_EXEC
    kernel.mount("tmpfs", "/dev", kind="tmpfs", flags=flags, options="mode=0755")
    for name, source in devices.items():
        _make_target(f"/dev/{name}", folder=False)
        kernel.mount(f"/proc/self/fd/{source}", f"/dev/{name}", flags=kernel.BIND)
        kernel.set_tree(f"/dev/{name}", clear_flags=kernel.NO_DEVICES | kernel.READ_ONLY)
    for name, target in _DEVICE_LINKS.items():
        os.symlink(target, f"/dev/{name}")
    os.mkdir("/dev/shm")  # noqa: S108 - the new one, which nobody else has
    os.mkdir("/dev/pts")
    options = "newinstance,ptmxmode=0666,mode=0620"
    kernel.mount("devpts", "/dev/pts", kind="devpts", flags=flags, options=options)
