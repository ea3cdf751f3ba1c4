"""The program that becomes, or starts, the program that is shut in.

It is run by `python -I -S` with two open files: the order (`sandbox_order`), and the pipe on which it answers. It
imports little, since it stands before every process that is shut in.

With `enters` it shuts itself in (`sandbox_enter`) and then becomes the program: its pid, exit code and signal are the
program's own. The end of the answer without a word says that the program runs.

With `forks` something else has shut it in and waits for it, to which it could not tell an end by a signal from an
exit code. So it stays, starts the program, says `started`, and says `signalled` with the number at the end. Whoever
starts it so has it ignore the signals that the program may want to heed.
"""

import os
import sys
import time
from _signal import SIG_DFL, SIG_IGN, signal  # type: ignore[import-not-found]  # `signal` would load `enum`

from nofx_cli.safety import sandbox_order as order

_CHANGED_BY_PYTHON = (13, 25)  # PIPE, XFSZ
_BUSY_TRIES, _BUSY_PAUSE_S, _TEXT_FILE_BUSY = 5, 0.02, 26


class Failure(Exception):
    """`what` could not be done."""

    def __init__(self, what: str, number: int) -> None:
        super().__init__(what)
        self.what, self.number = what, number


def main() -> None:
    """Do what the order says; the arguments are the two files."""
    order_fd, answer_fd = (int(text) for text in sys.argv[-2:])
    os.set_inheritable(answer_fd, False)
    with open(order_fd, "rb") as file:
        file.seek(0)
        lists = order.decode(file.read())
    options = {os.fsdecode(option) for option in lists[order.OPTIONS]}
    try:
        _shut_in(lists, options)
        if order.FORKS in options:
            _start(lists, answer_fd)
        else:
            _become(lists)
    except Failure as failure:
        text = f" {failure.number} {failure.what}\n"
        os.write(answer_fd, order.FAILED + text.encode("utf-8", "surrogateescape"))
        os._exit(127)


def _shut_in(lists: list[list[bytes]], options: set[str]) -> None:
    texts = iter(map(os.fsdecode, lists[order.PLACES]))
    places = list(zip(texts, texts, texts, strict=True))
    if order.ENTERS in options:
        from nofx_cli.safety.sandbox_enter import enter

        try:
            enter(places, network=order.NO_NETWORK not in options)
        except OSError as exc:
            raise Failure(str(exc.filename), exc.errno or 0) from exc
    for _, path, identity in places:
        if identity:
            found = os.stat(path)
            if identity != f"{found.st_dev}:{found.st_ino}":
                raise Failure(f"open {path}, which was replaced meanwhile", 0)
    cwd = lists[order.CWD][0]
    try:
        os.chdir(cwd)
    except OSError as exc:
        raise Failure(f"enter {os.fsdecode(cwd)}", exc.errno or 0) from exc


def _become(lists: list[list[bytes]]) -> None:
    ignored = [int(number) for number in lists[order.IGNORED]]
    for number in (*order.MAY_BE_IGNORED, *_CHANGED_BY_PYTHON):
        signal(number, SIG_IGN if number in ignored else SIG_DFL)
    env = dict(pair.split(b"=", 1) for pair in lists[order.ENV])
    for tried in range(_BUSY_TRIES + 1):
        try:
            os.execve(lists[order.PROGRAM][0], lists[order.ARGV], env)  # noqa: S606 - as the program was given
        except OSError as exc:
            if exc.errno != _TEXT_FILE_BUSY or tried == _BUSY_TRIES:
                raise Failure(order.EXEC, exc.errno or 0) from exc
            time.sleep(_BUSY_PAUSE_S)


def _start(lists: list[list[bytes]], answer_fd: int) -> None:
    told, tell = os.pipe()
    child = os.fork()
    if not child:
        try:
            _become(lists)
        except Failure as failure:
            os.write(tell, b"%d" % failure.number)
        finally:
            os._exit(127)
    os.close(tell)
    if why_not := os.read(told, 16):
        os.waitpid(child, 0)
        raise Failure(order.EXEC, int(why_not))
    os.write(answer_fd, order.STARTED + b"\n")
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        os.write(answer_fd, order.SIGNALLED + b" %d\n" % -code)
    os._exit(code if code >= 0 else 128 - code)
