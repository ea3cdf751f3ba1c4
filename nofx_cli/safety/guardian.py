"""The guardian ends the process groups of running steps when nofx itself dies, however it dies.

It is a small shell of its own session, no child of ours. It knows the groups from lines on a pipe (`+ 4711` when a
step's process was started, `- 4711` when nothing of it is left). Only nofx holds the other end of that pipe, so the
kernel closes it when nofx is gone. Then the guardian ends the groups it still knows (TERM, and KILL after two
seconds) and goes. With no group left, it just goes.

Crash points: nofx dies between the start of a process and its line to the guardian; then nothing but the
environment of that process tells of it, and `end_recorded` finds it by that, on Linux.
"""

import atexit
import os
import select
import subprocess
from contextlib import suppress

from nofx_cli import errors
from nofx_cli.safety.pipes import new_pipe

_SCRIPT = """
exec 3<&0
(
exec <&3 3<&-
trap '' HUP INT QUIT TERM
groups=' '
while read -r change group; do
  case $change in
    +) groups="$groups$group " ;;
    -) case $groups in *" $group "*) groups="${groups%% $group *} ${groups#* $group }" ;; esac ;;
  esac
done
for group in $groups; do kill -s TERM -- "-$group"; done
tries=20
while [ "$groups" != ' ' ] && [ $tries -gt 0 ]; do
  sleep 0.1 || { sleep 1; tries=10; }
  tries=$((tries - 1))
  left=' '
  for group in $groups; do kill -s 0 -- "-$group" && left="$left$group "; done
  groups=$left
done
for group in $groups; do kill -s KILL -- "-$group"; done
) &
"""
_FAREWELL_MS = 200


class Guardian:
    """Our end of the pipe. Made in two parts so that the caller can do something useful while the shell starts."""

    def __init__(self) -> None:
        """Begin to start it.

        Raises:
            errors.StoreFailure: there is no shell, or no room for another process (code `process-not-started`).
        """
        told, self._tell = new_pipe()
        self._ended, says = new_pipe()
        try:
            os.set_blocking(told, True)  # it is the shell that reads this one
            self._starter = subprocess.Popen(
                ["/bin/sh", "-c", _SCRIPT, "nofx-guardian"],
                stdin=told,
                stdout=says,
                stderr=subprocess.DEVNULL,
                cwd="/",
                start_new_session=True,
            )
        except OSError as exc:
            self.close()
            raise errors.StoreFailure(
                f"the guardian of child processes could not be started: {exc.strerror}",
                code="process-not-started",
                hint="/bin/sh must be there, and room for a further process; see `ulimit -a`",
            ) from exc
        finally:
            os.close(told)
            os.close(says)

    def wait_until_detached(self) -> None:
        """Afterwards it is no child of ours; it must not become one again by our being a reaper of orphans."""
        self._starter.wait()
        os.set_blocking(self._tell, False)
        atexit.register(self.dismiss)

    def watch(self, group: int) -> bool:
        """From now on it ends this group when we die; False when somebody ended the guardian."""
        return self._say(f"+ {group}\n")

    def release(self, group: int) -> None:
        """Nothing is left of the group."""
        self._say(f"- {group}\n")

    def dismiss(self) -> None:
        """Let it go, and wait a little until it has, so that nothing of us is left behind."""
        tell, self._tell = self._tell, -1
        if tell < 0:
            return
        os.close(tell)
        poll = select.poll()
        poll.register(self._ended, select.POLLIN)
        poll.poll(_FAREWELL_MS)
        os.close(self._ended)

    def close(self) -> None:
        """Only give back what we hold, as a forked copy of this process must: the pipe is its parent's."""
        for end in (self._tell, self._ended):
            if end >= 0:
                os.close(end)
        self._tell = self._ended = -1
        atexit.unregister(self.dismiss)

    def _say(self, line: str) -> bool:
        if self._tell < 0:
            return False
        with suppress(BrokenPipeError, BlockingIOError):  # somebody killed it, or stopped it for long
            os.write(self._tell, line.encode())
            return True
        return False
