"""Locks on open files."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from nofx_cli.drivers.filesystem.flock import await_lock, free, is_locked, try_lock, unlock


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a file"
    path.touch()
    return path


@pytest.fixture
def ours(file: Path) -> int:
    return os.open(file, os.O_RDWR)


@pytest.fixture
def theirs(file: Path) -> Iterator[int]:
    fd = os.open(file, os.O_RDONLY)
    yield fd
    os.close(fd)


def test_what_is_freed_is_free_also_while_a_copy_of_the_descriptor_lives(ours: int, theirs: int) -> None:
    copy = os.dup(ours)  # as a child has it between fork and exec
    assert try_lock(ours)
    assert is_locked(theirs)
    free(ours)
    assert not is_locked(theirs)
    os.close(copy)


def test_shared_locks_do_not_hinder_one_another(ours: int, theirs: int) -> None:
    assert try_lock(ours, shared=True)
    assert not is_locked(theirs)
    await_lock(theirs)
    assert not try_lock(theirs)
    unlock(ours)
    assert try_lock(theirs)
    assert not try_lock(ours, shared=True)
    free(ours)


def test_a_look_leaves_no_lock(ours: int, theirs: int) -> None:
    assert not is_locked(theirs)
    await_lock(theirs)
    assert try_lock(ours)
    free(ours)
