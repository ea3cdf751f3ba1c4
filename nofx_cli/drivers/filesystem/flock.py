"""Locks of the operating system on open files: they are the inode's, and the kernel frees them with their last file."""

import fcntl
import os
import time
from contextlib import suppress

_PAUSE_SECONDS = 0.0002


def try_lock(fd: int, *, shared: bool = False) -> bool:
    """Lock it if that can be at once. A lock that this descriptor has is changed, and for an instant it has none."""
    try:
        fcntl.flock(fd, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def try_lock_for(fd: int, *, seconds: float) -> bool:
    """Lock it within that time; looks often, for its holders keep it for less than a millisecond."""
    deadline = time.monotonic() + seconds
    while not try_lock(fd):
        if time.monotonic() >= deadline:
            return False
        time.sleep(_PAUSE_SECONDS)
    return True


def unlock(fd: int) -> None:
    """Give the lock back, if there is one."""
    fcntl.flock(fd, fcntl.LOCK_UN)


def free(fd: int) -> None:
    """Unlock and close: a child that is just being started has the descriptor too, and would keep the lock."""
    with suppress(OSError):
        unlock(fd)
    os.close(fd)


def await_lock(fd: int) -> None:
    """Wait until no other descriptor has it for itself. The kernel wakes whoever waits, however the holder dies."""
    fcntl.flock(fd, fcntl.LOCK_SH)
    unlock(fd)


def is_locked(fd: int) -> bool:
    """Whether another descriptor has it for itself. Looks do not hinder one another."""
    if not try_lock(fd, shared=True):
        return True
    unlock(fd)
    return False
