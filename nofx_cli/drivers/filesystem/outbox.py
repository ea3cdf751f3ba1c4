"""The outbox of a target as small files; see `ports.outbox` for the protocol.

    <root>/notify/<target>-<digits>/since  health.json  open/<run>  cursors/<run>

The digits are of the project's path: projects that share a store may have targets of one name. What lies in `open` is
empty; a cursor is JSON of one length, written in place, and locked by who delivers. Nothing is fsynced: what a power
failure takes away is told once more.
"""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import get_ident

from nofx_cli.clock import SystemClock, format_at, parse_at
from nofx_cli.domain.ids import RunId, digest_of_bytes, is_run_id
from nofx_cli.drivers.filesystem.flock import free, try_lock
from nofx_cli.drivers.filesystem.journal_file import JOURNAL
from nofx_cli.drivers.filesystem.layout import Layout, told
from nofx_cli.ports.outbox import Health

_WHAT = "the outbox of notices cannot be used"
_HINT = "the runs go on; what was not told is told later: nofx notify send"
_SIZE = 512
_ERROR_LIMIT = 200
_JUST_MADE_US = 10_000_000
_KEPT_US = 30 * 24 * 3600 * 1_000_000
"""How long the cursor of a closed run is kept. A run that goes on after that is told of anew from its last 30 days."""


class FileOutbox:
    """Implements `ports.outbox.Outbox`."""

    def __init__(self, layout: Layout, project: Path, target: str) -> None:
        digits = digest_of_bytes(os.fsencode(project))[:8]
        self._layout, self._folder = layout, layout.root / "notify" / f"{target}-{digits}"
        self._since = ""

    def since(self, *, of: RunId | None = None) -> str:
        if not self._since:
            with told(_WHAT, hint=_HINT):
                self._since = self._read_since(of)
        return max(self._since, format_at(max(SystemClock().now_us() - _KEPT_US, 0)))

    def open(self, run: RunId) -> None:
        self._made_anew_if_gone(run)
        with told(_WHAT, hint=_HINT):
            self._sign(run).touch()

    def runs(self) -> Sequence[RunId]:
        with told(_WHAT, hint=_HINT):
            return [RunId(name) for name in sorted(_names(self._folder / "open")) if is_run_id(name)]

    def overlooked(self) -> Iterator[RunId]:
        began_ns = parse_at(self.since()) * 1000
        signs, cursors = set(_names(self._folder / "open")), _Times(self._folder / "cursors")
        for day in _names(self._layout.root / "runs"):
            for name in _names(self._layout.root / "runs" / day):
                if is_run_id(name) and name not in signs:
                    with suppress(FileNotFoundError):
                        written_ns = os.stat(self._layout.root / "runs" / day / name / JOURNAL).st_mtime_ns
                        if written_ns >= max(began_ns, cursors.of(name)):
                            yield RunId(name)
        cursors.prune(signs, before_ns=began_ns)

    @contextmanager
    def hold(self, run: RunId) -> "Iterator[FileCursor | None]":
        self._made_anew_if_gone()
        with told(_WHAT, hint=_HINT):
            fd = os.open(self._folder / "cursors" / run, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o644)
        try:
            yield FileCursor(fd) if try_lock(fd) else None
        finally:
            free(fd)

    def close(self, run: RunId, *, is_over: Callable[[], bool]) -> None:
        with told(_WHAT, hint=_HINT):
            self._sign(run).unlink(missing_ok=True)
        if not is_over():
            self.open(run)

    def drop(self, run: RunId) -> None:
        with told(_WHAT, hint=_HINT):
            self._sign(run).unlink(missing_ok=True)
            (self._folder / "cursors" / run).unlink(missing_ok=True)

    @property
    def health(self) -> Health:
        with told(_WHAT, hint=_HINT), suppress(FileNotFoundError):
            return _health_of(_read_json((self._folder / "health.json").read_bytes()))
        return Health()

    def note(self, health: Health) -> None:
        path = self._folder / "health.json"
        making = path.with_name(f".health-{os.getpid()}-{get_ident()}")
        with told(_WHAT, hint=_HINT):
            making.write_text(json.dumps(_as_json(health)), "utf-8")
            making.replace(path)

    def _sign(self, run: RunId) -> Path:
        return self._folder / "open" / run

    def _made_anew_if_gone(self, of: RunId | None = None) -> None:
        """The folders may be deleted at any time, also while a worker knows since when there is the target."""
        if not ((self._folder / "open").is_dir() and (self._folder / "cursors").is_dir()):
            self._since = ""
        self.since(of=of)

    def _read_since(self, of: RunId | None) -> str:
        path = self._folder / "since"
        self._layout.prepare()
        for name in ("open", "cursors"):
            (self._folder / name).mkdir(parents=True, exist_ok=True)
        try:
            found = path.read_text("ascii").strip()
            if parse_at(found) > SystemClock().now_us() + _JUST_MADE_US:
                raise ValueError  # the clock was set back: what is told from now on would be before it
        except (FileNotFoundError, ValueError):
            found = _beginning(of)
            making = path.with_name(f".since-{os.getpid()}-{get_ident()}")
            making.write_text(found + "\n", "ascii")
            making.replace(path)
        return found


def _beginning(run: RunId | None) -> str:
    """Now, or where a run was just made, with that: it is told of from its first event."""
    now_us = SystemClock().now_us()
    if run is not None:
        day, time = run[:8], run[9:15]
        made = f"{day[:4]}-{day[4:6]}-{day[6:]}T{time[:2]}:{time[2:4]}:{time[4:]}.000000Z"
        if 0 <= now_us - parse_at(made) < _JUST_MADE_US:
            return made
    return format_at(now_us)


class FileCursor:
    """Implements `ports.outbox.Cursor` on the open and locked file of a cursor."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        found = _read_json(os.pread(fd, 2 * _SIZE, 0))
        seq = found.get("seq")
        self.seq = seq if isinstance(seq, int) and seq >= 0 else 0
        self.health = _health_of(found)

    def reached(self, seq: int) -> None:
        self.seq, self.health = seq, Health()
        self._write()

    def put_off(self, health: Health) -> None:
        self.health = health
        self._write()

    def _write(self) -> None:
        text = json.dumps({"seq": self.seq, **_as_json(self.health)}) if self.health.tries else f'{{"seq": {self.seq}}}'
        with told(_WHAT, hint=_HINT):
            os.pwrite(self._fd, text.encode().ljust(_SIZE), 0)


class _Times:
    """When cursors were written last."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names = _names(folder)

    def of(self, name: str) -> int:
        try:
            return os.stat(self._folder / name).st_mtime_ns
        except FileNotFoundError:
            return 0

    def prune(self, signs: set[str], *, before_ns: int) -> None:
        for name in self._names:
            if name not in signs and self.of(name) < before_ns - _KEPT_US * 1000:
                (self._folder / name).unlink(missing_ok=True)


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except FileNotFoundError:
        return []


def _read_json(data: bytes) -> dict[str, object]:
    try:
        found = json.loads(data)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _as_json(health: Health) -> dict[str, object]:
    error = health.error.encode("ascii", "replace").decode()[:_ERROR_LIMIT]
    return {"tries": health.tries, "since": health.since, "next_us": health.next_us, "error": error}


def _health_of(found: dict[str, object]) -> Health:
    tries, next_us = found.get("tries"), found.get("next_us")
    return Health(
        tries if isinstance(tries, int) else 0,
        str(found.get("since") or ""),
        next_us if isinstance(next_us, int) else 0,
        str(found.get("error") or ""),
    )
