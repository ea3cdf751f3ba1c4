"""From a database's name in a plan to a connection, with the secrets that the step has."""

from collections.abc import Mapping
from pathlib import Path

from nofx_cli import errors
from nofx_cli.domain.databases import DatabaseSpec
from nofx_cli.domain.record import record
from nofx_cli.handlers.database.session import Session
from nofx_cli.handlers.database.statement import Dialect
from nofx_cli.ports.handler import StepContext

_WAIT_MS = 10_000
"""How long a transaction waits for others before it is rolled back and tried again."""
_SQLITE_WAIT_MS = 2_000
"""The same of SQLite, which does not end that wait when the step is to stop."""
_SQLITE = "sqlite:"
_OTHER_SERVER = ("hostaddr", "service", "servicefile")
"""Options of an address that say another server than the one that stands in it."""


@record
class Place:
    """Where a database is. `url` may have a password in it: it is shown to nobody.

    Attributes:
        path: of SQLite: the file. `inside` is its path in the project or the workspace, where it is in one.
        host: of PostgreSQL: host and port, where they are reached over the network.
    """

    name: str
    dialect: Dialect
    schema: str
    path: Path | None = None
    inside: str = ""
    url: str = ""
    password: str = ""
    host: str = ""


def dialect_of(url: str) -> Dialect:
    """What the database at an address speaks."""
    return "sqlite" if url.startswith(_SQLITE) else "postgres"


def spec_of(name: str, databases: Mapping[str, DatabaseSpec]) -> DatabaseSpec:
    """What `nofx.yaml` says of a database.

    Raises:
        errors.InvalidInput: it has none of that name (code `database-unknown`).
    """
    if name in databases:
        return databases[name]
    listed = ", ".join(databases) or "none"
    raise errors.InvalidInput(
        f"nofx.yaml has no database {name!r}; it has {listed}",
        code="database-unknown",
        hint=f"declare it there: databases: {{{name}: {{url: sqlite:data.db}}}}",
    )


def place_of(spec: DatabaseSpec, ctx: StepContext, project: Path) -> Place:
    """Where the database of a step is.

    Raises:
        errors.InvalidInput: the step does not have its secret (code `database-secret`), or the address is none
            (code `database-url`).
    """
    url = _secret(spec.url_secret, spec, ctx) if spec.url_secret else spec.url
    password = _secret(spec.password_secret, spec, ctx) if spec.password_secret else ""
    if url.startswith(_SQLITE):
        path = url.removeprefix(_SQLITE)
        path = path.removeprefix("//") if path.startswith("//") else path
        file = (project / Path(path).expanduser()).resolve()
        return Place(spec.name, "sqlite", "main", path=file, inside=_inside(file, ctx.workspace, project))
    if not url.startswith(("postgresql://", "postgres://")):
        raise _unusable(spec, "it begins with sqlite: or postgresql://")
    return Place(spec.name, "postgres", spec.schema, url=url, password=password, host=_host(url, spec))


def open_session(place: Place, ctx: StepContext, *, most_ms: int | None = None) -> Session:
    """Connect, once the policy allows it; no statement takes longer than `most_ms`, nor than the step may.

    Raises:
        errors.PolicyDenied: it does not.
        errors.NotFound: there is no such file, or the extra `db` is not installed (code `extra-missing`).
        Lost: it cannot be reached.
    """
    if place.path is not None:
        from nofx_cli.handlers.database.sqlite import SqliteSession

        if place.inside:
            ctx.check_write(place.inside)
        return SqliteSession(place.path, wait_ms=_SQLITE_WAIT_MS)
    if place.host:
        ctx.check_host(place.host)
    try:
        from sqlalchemy import make_url

        from nofx_cli.handlers.database.postgres import PostgresSession

        url = make_url(place.url).set(drivername="postgresql+psycopg")
        url = url.set(password=place.password) if place.password else url
        import psycopg as _psycopg  # noqa: F401 - that it is there
    except ImportError as exc:
        raise errors.NotFound(
            f"database {place.name} is PostgreSQL, which takes the extra `db`",
            code="extra-missing",
            hint="python -m pip install 'nofx-cli[db]'",
        ) from exc
    limit_ms = min(ctx.time_left_ms, most_ms or ctx.time_left_ms)
    return PostgresSession(url, schema=place.schema, wait_ms=_WAIT_MS, time_limit_ms=limit_ms)


def _secret(named: str, spec: DatabaseSpec, ctx: StepContext) -> str:
    scope, _, name = named.partition("/")
    if name in ctx.secrets:
        return ctx.secrets[name]
    raise errors.InvalidInput(
        f"database {spec.name} takes the secret {named}, which step {ctx.step} does not have",
        code="database-secret",
        hint=f"write `secrets_scope: {scope}` on the step",
    )


def _inside(file: Path, *folders: Path) -> str:
    """The path of a file in the first of the folders that it is in. A run in a worktree has a workspace of its own."""
    around = next((folder.resolve() for folder in folders if file.is_relative_to(folder.resolve())), None)
    return file.relative_to(around).as_posix() if around else ""


def _host(url: str, spec: DatabaseSpec) -> str:
    """The server that the policy is asked about; that none but it is connected to is seen to here."""
    from urllib.parse import parse_qs, urlsplit

    hint = "it is postgresql://user@host:port/name"
    try:
        parts = urlsplit(url)
        host = f"{parts.hostname}:{parts.port or 5432}" if parts.hostname else ""
        options = parse_qs(parts.query, keep_blank_values=True)
    except ValueError:
        raise _unusable(spec, hint) from None  # its words may have a password
    odd = next((name for name in _OTHER_SERVER if name in options), "")
    if odd or any(not value.startswith("/") for value in options.get("host", ())):
        raise _unusable(spec, f"write the server before the name, not as `?{odd or 'host'}=`: {hint}")
    return "" if "host" in options else host


def _unusable(spec: DatabaseSpec, hint: str) -> errors.InvalidInput:
    return errors.InvalidInput(f"the address of database {spec.name} cannot be used", code="database-url", hint=hint)
