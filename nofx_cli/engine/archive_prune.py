"""Take answers out of the archive that nobody needs any more.

What a run that still exists needs stays: what its journal names, so that it can be replayed, and what came for it. A
run that takes an answer over from another one at this very moment may lose it for its replay.
"""

from collections.abc import Sequence

from nofx_cli import errors
from nofx_cli.domain.exchanges import Entry, encode_entry
from nofx_cli.domain.record import record
from nofx_cli.engine.archive_export import unreadable
from nofx_cli.engine.archive_needs import Needs, needs_of
from nofx_cli.ports.archive import Archive, Exchange
from nofx_cli.ports.journal import RunStore


@record
class Pruned:
    """What was taken away, or would be.

    Attributes:
        requests: of which no answer is left.
        bytes: freed, of what is damaged too.
        needed: answers that are old enough, and that runs need.
        damaged: entries that could not be read and were taken away; `damaged_left` those that were not.
    """

    answers: int = 0
    requests: int = 0
    bytes: int = 0
    needed: int = 0
    damaged: int = 0
    damaged_left: int = 0


@record
class PruneOrder:
    """What is to go.

    Attributes:
        answers: whether any answers are, or only what is damaged.
        before: only answers that came before this instant; empty: of any age.
        force: those too that runs need.
        damaged: entries that cannot be read.
        dry_run: nothing goes; it is only told.
    """

    answers: bool = True
    before: str = ""
    force: bool = False
    damaged: bool = False
    dry_run: bool = False


def prune_archive(archive: Archive, store: RunStore, order: PruneOrder) -> Pruned:
    """Take away what is to go.

    Raises:
        errors.Conflict: the journal of a run cannot be read, so that nobody knows what it needs (`journal-damaged`).
        errors.StoreFailure: the archive cannot be written.
    """
    needs = _needs(store, order)
    total, faults = Pruned(), []
    for listed in archive.entries():
        if listed.fault:
            faults.append(listed.bytes)
        elif order.answers:
            total = _sum(total, _prune_entry(archive, listed.request, order, needs))
    return _sum(total, _prune_damaged(archive, order, faults))


def _prune_damaged(archive: Archive, order: PruneOrder, faults: Sequence[int]) -> Pruned:
    """`faults` are the sizes of what cannot be read."""
    if not order.damaged:
        return Pruned(damaged_left=len(faults))
    if order.dry_run:
        return Pruned(damaged=len(faults), bytes=sum(faults))
    freed = archive.remove_damaged()
    left = sum(1 for listed in archive.entries() if listed.fault)
    return Pruned(damaged=len(faults) - left, damaged_left=left, bytes=freed)


def _needs(store: RunStore, order: PruneOrder) -> Needs | None:
    """What runs need; None where that is not asked."""
    if order.force or not order.answers:
        return None
    needs = needs_of(store, store.runs())
    if needs.damaged:
        raise unreadable(needs, "so nobody knows which answers they need; nothing was removed")
    return needs


def _prune_entry(archive: Archive, request: str, order: PruneOrder, needs: Needs | None) -> Pruned:
    try:
        entry = archive.entry(request)
    except (errors.NotFound, errors.Conflict):  # taken away, or damaged, since it was listed
        return Pruned()
    old = [exchange for exchange in entry.exchanges if not order.before or exchange.at < order.before]
    gone = [exchange for exchange in old if needs is None or not needs.includes(exchange)]
    if not gone:
        return Pruned(needed=len(old))
    freed = _freed(entry, gone) if order.dry_run else archive.remove(request, gone)
    is_empty = len(gone) == len(entry.exchanges)
    return Pruned(answers=len(gone), requests=int(is_empty), bytes=freed, needed=len(old) - len(gone))


def _freed(entry: Entry, gone: list[Exchange]) -> int:
    left = entry.without(gone)
    return len(encode_entry(entry)) - (len(encode_entry(left)) if left.exchanges else 0)


def _sum(one: Pruned, other: Pruned) -> Pruned:
    return Pruned(*(getattr(one, name) + getattr(other, name) for name in Pruned.__match_args__))
