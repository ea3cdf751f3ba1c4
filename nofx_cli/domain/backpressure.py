"""How much later new jobs are due while the queue is behind."""

MAX_DELAY_MS = 15_000


def delay_ms(age_ms: int, threshold_ms: int) -> int:
    """The delay of new jobs: half of what the oldest due job is over the threshold, at most 15 s.

    With the usual threshold of 5,000 ms, an age of 9,000 ms gives 2,000 ms, and one of 60,000 ms gives 15,000 ms.
    """
    return max(0, min((age_ms - threshold_ms) // 2, MAX_DELAY_MS))
