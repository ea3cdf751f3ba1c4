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


@record
class Place:
    """Where a database is. `url` may have a password in it: it is shown to nobody.

    Attributes:
        path: of SQLite: the file.
        host: of PostgreSQL: host and port, where they are reached over the network.
    """

    name: str
    dialect: Dialect
    schema: str
    path: Path | None = None
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
        return Place(spec.name, "sqlite", "main", path=(project / Path(path).expanduser()).resolve())
    if not url.startswith(("postgresql://", "postgres://")):
        hint = "it begins with sqlite: or postgresql://"
        raise errors.InvalidInput(f"the address of database {spec.name} cannot be used", code="database-url", hint=hint)
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

        if place.path.is_relative_to(ctx.workspace):
            ctx.check_write(place.path.relative_to(ctx.workspace).as_posix())
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


def _host(url: str, spec: DatabaseSpec) -> str:
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
        return f"{parts.hostname}:{parts.port or 5432}" if parts.hostname else ""
    except ValueError as exc:
        hint = "it is postgresql://user@host:port/name"
        raise errors.InvalidInput(
            f"the address of database {spec.name} cannot be used", code="database-url", hint=hint
        ) from exc
