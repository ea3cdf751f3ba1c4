"""Signs and colours of the live view: the terminal's own sixteen colours, so that they fit a light background too."""

GOOD, BAD, WARN, BUSY, QUIET, LOUD = "green", "red", "yellow", "cyan", "dim", "bold"

DONE, FAILED, WARNED, WAITS, AGAIN, OPEN, SKIPPED, CANCELLED = "✓", "✗", "!", "?", "↻", "·", "○", "⊘"
SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
SPIN_MS = 100
BETWEEN = " · "

IN_ASCII = str.maketrans({
    "✓": "+", "✗": "x", "↻": "~", "·": "-", "○": "o", "⊘": "/", "…": "~", "━": "=", "─": "-", "│": "|",
    "╭": "+", "╮": "+", "╰": "+", "╯": "+", "▸": ">", "→": ">", "↑": "^", "↓": "v", "▏": "_", "—": "-",
    **dict(zip(SPINNER, "|/-\\|/-\\|/", strict=True)),
})  # fmt: skip
"""One sign for one sign, for terminals whose encoding has none of them: columns stay where they are."""


def spinner(now_us: int) -> str:
    return SPINNER[now_us // (SPIN_MS * 1000) % len(SPINNER)]
