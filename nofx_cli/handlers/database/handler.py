"""The handler of `db_write`."""

from collections.abc import Callable, Mapping
from pathlib import Path

from nofx_cli import errors
from nofx_cli.domain.databases import DatabaseSpec
from nofx_cli.domain.effects import Done, Intent, NotDone, Reconciled, Unclear
from nofx_cli.domain.ids import JsonObject
from nofx_cli.domain.outcome import Failed, Outcome, StepError, Succeeded
from nofx_cli.domain.policy import DB_WRITE
from nofx_cli.handlers.database.inputs import inputs_faults, operation_of
from nofx_cli.handlers.failures import invalid_inputs
from nofx_cli.handlers.inputs import is_template
from nofx_cli.ports.handler import StepContext

KIND = "db.write"
_RETRYABLE = frozenset({"database-busy", "database-timeout", "database-unreachable", "rows-changed"})


class DbWrite:
    """Changes databases that `nofx.yaml` names; its preview is the statement, and how many rows it would be.

    What an attempt left open is found out by the row that the change commits with: see this package's docstring.
    """

    def __init__(self, project: Path, databases: Callable[[], Mapping[str, DatabaseSpec]]) -> None:
        """`databases` gives those that `nofx.yaml` has now; paths in it are relative to `project`."""
        self._project, self._databases = project, databases

    def match(self, tool: str) -> bool:
        return tool == DB_WRITE

    def check(self, inputs: JsonObject) -> list[str]:
        return inputs_faults(inputs) or [*self._unknown(inputs), *self._sql_faults(inputs)]

    def asks_with(self, ctx: StepContext) -> bool:
        return ctx.database_approval.asks_for(operation_of(ctx.inputs))

    def preview(self, ctx: StepContext) -> JsonObject:
        if faults := inputs_faults(ctx.inputs):
            return {"faults": tuple(faults)}
        from nofx_cli.handlers.database.work import Work

        return Work(ctx, self._databases(), self._project).preview()

    def run(self, ctx: StepContext) -> Outcome:
        if faults := inputs_faults(ctx.inputs):
            return invalid_inputs(faults)
        from nofx_cli.handlers.database.work import Work

        try:
            work = Work(ctx, self._databases(), self._project)
            made = ctx.made_before(KIND, work.target)
            if made is None or made.get("digest") != work.digest:
                effect, made = work.write(work.previewed(), lambda: ctx.effect(KIND, work.target, work.digest))
                if effect.result is None:
                    effect.done(made)
            return Succeeded(work.outputs(made))
        except (errors.Conflict, errors.Unavailable) as exc:
            return Failed(StepError(exc.code, exc.message, exc.hint), retryable=exc.code in _RETRYABLE)

    def reconcile(self, ctx: StepContext, intent: Intent) -> Reconciled:
        """Whether the row of the change is there. Where the database cannot be reached, nobody is asked: it fails."""
        from nofx_cli.handlers.database.work import Work

        account = Work(ctx, self._databases(), self._project).account()
        if account is None:
            return NotDone()
        if account.digest != intent.digest:
            known = f"nofx_effects has another change under the key {ctx.idempotency_key}: {account.digest}"
            return Unclear(known)
        return Done(account.result)

    def _unknown(self, inputs: JsonObject) -> list[str]:
        name, known = inputs["database"], self._databases()
        if is_template(name) or str(name) in known:
            return []
        listed = f"it has {', '.join(known)}" if known else "declare it there, below `databases`"
        return [f"nofx.yaml has no database `{name}`; {listed}"]

    def _sql_faults(self, inputs: JsonObject) -> list[str]:
        """What is wrong with SQL that stands in the plan as it will be."""
        sql, params = inputs.get("sql"), inputs.get("params", {})
        spec = self._databases().get(str(inputs["database"]))
        if (
            not isinstance(sql, str)
            or is_template(sql)
            or not isinstance(params, Mapping)
            or spec is None
            or not spec.url
        ):
            return []
        from nofx_cli.handlers.database.opening import dialect_of
        from nofx_cli.handlers.database.sql_text import statement_of_sql

        dialect = dialect_of(spec.url)
        schema = "main" if dialect == "sqlite" else spec.schema
        try:
            statement_of_sql(sql, params, dialect=dialect, schema=schema, ddl=True)
        except errors.Denied as exc:
            return [f"`sql`: {exc.message}; {exc.hint}"]
        return []


HANDLER = DbWrite(Path(), dict)
"""It knows no databases; the registry makes one that does."""
