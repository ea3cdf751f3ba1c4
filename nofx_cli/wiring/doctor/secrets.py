"""Secrets: whether those that are declared can be had and hidden, and whether one stands in the store."""

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from nofx_cli import errors
from nofx_cli.domain.project import SecretKind
from nofx_cli.domain.wording import counted
from nofx_cli.safety.masking import Masker
from nofx_cli.safety.masking_forms import SHORTEST
from nofx_cli.safety.masking_names import secret_values
from nofx_cli.safety.secret_sources import path_of
from nofx_cli.safety.secrets import Looked, look
from nofx_cli.wiring.doctor.finding import Finding, fail, ok, warn
from nofx_cli.wiring.doctor.store_search import Place, StoreSearch
from nofx_cli.wiring.session import Session, open_session

_CHECK = "secrets"
_LINES_NAMED = 5
_OTHERS_MAY_READ = stat.S_IRGRP | stat.S_IROTH
_REMEDY = "change the secret where it comes from: it was written down; then remove the file, or the run"


def search_store(folder: Path, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Look for secrets in every file of the store: known values in all forms, and what looks like a secret.

    Every declared secret is looked for, so commands are run. What is told names file, line and secret, never a value.
    """
    try:
        session = open_session(folder=folder, environ=environ, newer=True)
    except errors.InvalidInput as exc:
        yield fail("settings", exc.message, "mend nofx.yaml or the variable; the store was not searched")
        return
    known: dict[str, str] = {}
    for looked in _declared(session, environ):
        yield from _of_source(looked, session.project, environ)
        if looked.value:
            known.setdefault(looked.value.strip(), f"{looked.spec.scope}.{looked.spec.name}")
    for name, value in environ.items():
        for secret in secret_values({name: value}):
            known.setdefault(secret.strip(), name)
    yield from _search(session, known)


def _declared(session: Session, environ: Mapping[str, str]) -> Iterator[Looked]:
    for specs in session.services.rules().secrets.values():
        for spec in specs:
            yield look(spec, project=session.project, environ=environ)


def _of_source(looked: Looked, project: Path, environ: Mapping[str, str]) -> Iterator[Finding]:
    spec = looked.spec
    what = f"{spec.scope}.{spec.name} ({spec.kind}, {spec.source})"
    if looked.why:
        yield warn(_CHECK, f"{what} {looked.why}", looked.remedy)
    elif len(looked.value.strip()) < SHORTEST:
        yield warn(_CHECK, f"{what} has fewer than {SHORTEST} characters, and so is not masked", "make it longer")
    if spec.kind is SecretKind.FILE and not looked.why:
        path = path_of(spec, project=project, environ=environ)
        if path.stat().st_mode & _OTHERS_MAY_READ:
            yield warn(_CHECK, f"{what}: others may read {path}", f"chmod 600 {path}")


def _search(session: Session, known: Mapping[str, str]) -> Iterator[Finding]:
    root = session.layout.root
    search = StoreSearch(root, Masker(known, patterns=False), Masker())
    found = 0
    for path, places in search.files():
        found += 1
        name = session.masker.text(os.path.relpath(path, session.project))
        told = dict.fromkeys(f"{name}{place.told}: {_what(place, known)}" for place in places)
        shown = list(told)[:_LINES_NAMED]
        more = len(told) - len(shown)
        yield fail(_CHECK, "\n".join([*shown, *([f"… and {more} more"] if more else [])]), _REMEDY)
    for fault in search.faults:
        yield warn(_CHECK, fault, "see to its permissions")
    if not found:
        searched, values = counted(search.searched, "file"), counted(len(known), "known value")
        yield ok(_CHECK, f"none stands in {root}: searched {searched} for {values} and for what looks like a secret")


def _what(place: Place, known: Mapping[str, str]) -> str:
    if not place.is_known:
        return "looks like a secret"
    for value, name in known.items():
        if Masker([value], patterns=False).spans(place.text):
            return f"the value of {name}"
    return "a known value"
