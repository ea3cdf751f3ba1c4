"""The few calls of the Linux kernel that Python has no words for. Each raises OSError with what was tried."""

import ctypes
import os
import sys

NEW_MOUNTS, NEW_IPC, NEW_USER, NEW_NETWORK = 0x00020000, 0x08000000, 0x10000000, 0x40000000
READ_ONLY, NO_SUID, NO_DEVICES, NO_EXEC = 1, 2, 4, 8
"""Flags of mounts: of the old calls and of the new ones alike."""
_REMOUNT, BIND, RECURSIVE, PRIVATE = 0x20, 0x1000, 0x4000, 0x40000
_OF_OPTIONS = {
    "ro": READ_ONLY,
    "nosuid": NO_SUID,
    "nodev": NO_DEVICES,
    "noexec": NO_EXEC,
    "noatime": 0x400,
    "nodiratime": 0x800,
    "relatime": 0x200000,
    "nosymfollow": 0x100,
}
_MNT_DETACH = 2
_SYS_MOUNT_SETATTR, _AT_FDCWD, _AT_RECURSIVE = 442, -100, 0x8000
_PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 24, 38, 47, 4
_CAPABILITY_VERSION_3, _MOST_CAPABILITIES = 0x20080522, 64
_EPERM, _EINVAL = 1, 22
_AF_INET, _SOCK_DGRAM, _SIOCSIFFLAGS, _IFF_UP = 2, 2, 0x8914, 1

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)
    return result


def unshare(flags: int) -> None:
    """Have namespaces of our own."""
    _check(_libc.unshare(flags), "make namespaces")


def mount(source: str, target: str, *, kind: str = "", flags: int = 0, options: str = "") -> None:
    """mount(2)."""
    texts = [os.fsencode(text) if text else None for text in (source, target, kind)]
    done = _libc.mount(*texts, ctypes.c_ulong(flags), os.fsencode(options) if options else None)
    _check(done, f"mount {kind or 'something'} on {target}")


def detach(target: str) -> None:
    """Take a mount away, though it is in use."""
    _check(_libc.umount2(os.fsencode(target), _MNT_DETACH), f"unmount {target}")


class _MountAttributes(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "user_namespace"))


def set_tree(target: str, *, set_flags: int = 0, clear_flags: int = 0) -> None:
    """Set and clear flags of a mount and of all below it. What the machine itself has set stays: it is locked."""
    if not _KNOWS_ATTRIBUTES:
        _walk_tree(target, set_flags, clear_flags)
        return
    failed = _set_attributes(target, _AT_RECURSIVE, set_flags, clear_flags) != 0
    if failed and clear_flags:  # one of them is locked: clear what is not, at least at the top
        failed = _set_attributes(target, 0, set_flags, clear_flags) not in (0, _EPERM)
    if failed:
        _check(-1, f"change the mounts below {target}")


def _set_attributes(target: str, recursive: int, set_flags: int, clear_flags: int) -> int:
    attributes = _MountAttributes(set_flags, clear_flags, 0, 0)
    done = _libc.syscall(
        ctypes.c_long(_SYS_MOUNT_SETATTR),
        ctypes.c_int(_AT_FDCWD),
        os.fsencode(target),
        ctypes.c_uint(recursive),
        ctypes.byref(attributes),
        ctypes.c_size_t(ctypes.sizeof(attributes)),
    )
    return 0 if done == 0 else ctypes.get_errno()


_KNOWS_ATTRIBUTES = _set_attributes("/", 0, 0, 0) == 0


def _walk_tree(target: str, set_flags: int, clear_flags: int) -> None:
    """As `set_tree`, one by one: for kernels before 5.12, and where a filter of system calls knows no newer ones."""
    import re  # slow to load, and seldom needed

    with open("/proc/self/mountinfo", "rb") as mounts:
        lines = mounts.read().splitlines()
    below = target.rstrip("/") + "/"
    for line in lines:
        fields = line.split(b" ", 6)
        place = os.fsdecode(re.sub(rb"\\([0-7]{3})", lambda found: bytes([int(found[1], 8)]), fields[4]))
        if place != target and not place.startswith(below):
            continue
        has = sum(_OF_OPTIONS.get(option, 0) for option in fields[5].decode().split(","))
        _remount(place, (has | set_flags) & ~clear_flags, optional=not set_flags)


def _remount(place: str, flags: int, *, optional: bool) -> None:
    done = _libc.mount(None, os.fsencode(place), None, ctypes.c_ulong(_REMOUNT | BIND | flags), None)
    gone = done < 0 and not os.path.lexists(place)  # another mount lies over it: nobody can get there
    if done < 0 and not gone and not (optional and ctypes.get_errno() == _EPERM):
        _check(done, f"change the mount on {place}")


def raise_loopback() -> None:
    """Let the loopback of a new network namespace carry something: processes in it may talk to each other."""
    socket = _check(_libc.socket(_AF_INET, _SOCK_DGRAM, 0), "make a socket")
    request = b"lo".ljust(16, b"\0") + _IFF_UP.to_bytes(2, sys.byteorder) + bytes(22)
    try:
        _check(_libc.ioctl(socket, ctypes.c_ulong(_SIOCSIFFLAGS), request), "raise the loopback")
    finally:
        os.close(socket)


def drop_capabilities() -> None:
    """Have none, and gain none by executing a program that would give some, or another user."""
    zero = ctypes.c_ulong(0)
    for number in range(_MOST_CAPABILITIES):
        if _libc.prctl(_PR_CAPBSET_DROP, ctypes.c_ulong(number), zero, zero, zero) < 0:
            if ctypes.get_errno() != _EINVAL:
                _check(-1, "drop a capability")
            break  # the kernel has no more of them
    _libc.prctl(_PR_CAP_AMBIENT, ctypes.c_ulong(_PR_CAP_AMBIENT_CLEAR_ALL), zero, zero, zero)
    _check(_libc.prctl(_PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1), zero, zero, zero), "give up gaining privileges")
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    _check(_libc.capset(header, (ctypes.c_uint32 * 6)()), "give up capabilities")
