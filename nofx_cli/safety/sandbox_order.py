"""What nofx tells its launcher: lists of texts in a file that only the two know.

Neither the arguments nor the environment of the program stand on the launcher's command line, where everybody could
read them, nor in its environment, where `LD_PRELOAD` would be obeyed before anything is shut. The launcher imports
this module, so it imports nothing itself.
"""

PROGRAM, CWD, ARGV, ENV, PLACES, IGNORED, OPTIONS = range(7)
"""The lists. A place is `kind`, `path`, `identity`, one after the other; ignored are signals of the program."""

MAY_BE_IGNORED = (1, 2, 3, 10, 12, 15)
"""HUP, INT, QUIT, USR1, USR2, TERM: the signals that a launcher which stays was started to ignore."""

FORKS, NO_NETWORK, ENTERS = "forks", "no-network", "enters"
"""The options: stay as the program's parent; take the network away; make the namespaces."""

STARTED, FAILED, SIGNALLED = b"started", b"failed", b"signalled"
"""What the launcher answers: a line with one of these and, after blanks, what belongs to it."""

EXEC = "exec"
"""The name of the last thing that can fail: executing the program."""


def encode(lists: list[list[bytes]]) -> bytes:
    """Write the lists.

    Raises:
        ValueError: there is a NUL character in one of the texts.
    """
    texts = [text for each in lists for text in (b"%d" % len(each), *each)]
    if any(b"\0" in text for text in texts):
        raise ValueError("embedded null byte")
    return b"\0".join(texts)


def decode(data: bytes) -> list[list[bytes]]:
    """Read what `encode` wrote."""
    texts = iter(data.split(b"\0"))
    return [[next(texts) for _ in range(int(count))] for count in texts]
