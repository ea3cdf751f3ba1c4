"""What rules say of tables and of operations on databases."""

import pytest

from nofx_cli.domain.policy import Aspect, Level
from nofx_cli.safety.policy import Permissions
from nofx_cli.testing.levels import level


def permissions(*levels: Level) -> Permissions:
    return Permissions("change", list(zip(("project", "plan", "step"), levels, strict=False)))


def allows(*operations: str) -> Level:
    return level(Aspect.OPERATIONS, allow=list(operations), source="nofx.yaml:3")


class TestTables:
    @pytest.mark.parametrize("name", ["users", "Users", "USERS"])
    def test_what_is_denied_is_denied_however_it_is_written(self, name: str) -> None:
        denial = permissions(level(Aspect.TABLES, deny=["User*"], source="nofx.yaml:2")).check_table(name)
        assert denial is not None
        assert (denial.rule, denial.source) == ("tables.deny: User*", "nofx.yaml:2")

    def test_what_is_allowed_is_allowed_as_it_is_written(self) -> None:
        allowed = permissions(level(Aspect.TABLES, allow=["orders"]))
        assert allowed.check_table("orders") is None
        assert allowed.check_table("Orders") is not None
        assert allowed.check_table("other.orders") is not None


class TestOperations:
    @pytest.mark.parametrize("operation", ["insert", "update", "upsert", "delete", "select"])
    def test_without_a_rule_rows_may_be_changed(self, operation: str) -> None:
        assert permissions().check_operation(operation) is None

    @pytest.mark.parametrize("operation", ["sql", "ddl"])
    @pytest.mark.parametrize(
        "levels",
        [(), (level(Aspect.OPERATIONS, deny=["delete"]),), (allows("update"),), ({}, {}, allows("sql", "ddl"))],
    )
    def test_sql_and_changes_of_tables_only_where_project_or_plan_list_them(
        self, operation: str, levels: tuple[Level, ...]
    ) -> None:
        denial = permissions(*levels).check_operation(operation)
        assert denial is not None
        assert f"step change may not do the operation `{operation}`" in denial.message
        assert denial.hint

    @pytest.mark.parametrize("levels", [(allows("sql"),), ({}, allows("sql")), (allows("sql"), {}, allows("sql"))])
    def test_then_they_are_allowed_unless_a_level_leaves_them_out(self, levels: tuple[Level, ...]) -> None:
        assert permissions(*levels).check_operation("sql") is None
        assert permissions(*levels[:2], allows("update")).check_operation("sql") is not None
        assert permissions(*levels[:1], level(Aspect.OPERATIONS, deny=["sql"])).check_operation("sql") is not None
