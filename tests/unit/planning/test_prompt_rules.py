"""What the rules read out of a sentence and its flags."""

from collections.abc import Mapping

import pytest

from nofx_cli import errors
from nofx_cli.planning.prompt_rules import Project, gate_name, understand
from nofx_cli.planning.prompt_wish import QUALITY, Mode, PromptFlags, Source, When, Wish, meant_by

THERE: Mapping[str, str] = {
    "src": "folder",
    "src/a.py": "file",
    "src/app/[id].tsx": "file",
    "tests": "folder",
    "README.md": "file",
    "docs/my page.md": "file",
}
PROJECT = Project(lambda path: THERE.get(path, ""), ("licenses",), ("mine",))


def read(sentence: str, **flags: object) -> Wish:
    return understand(sentence, PromptFlags(**flags), PROJECT)  # type: ignore[arg-type]


def paths(sentence: str) -> list[str]:
    return [target.path for target in read(sentence).files]


class TestFiles:
    @pytest.mark.parametrize(
        ("sentence", "found"),
        [
            ("Add docstrings to src/a.py.", ["src/a.py"]),
            ("Fix (src/a.py), then README.md!", ["src/a.py", "README.md"]),
            ("Change `src/a.py` and src/a.py", ["src/a.py"]),
            ('Rename foo in "docs/my page.md"', ["docs/my page.md"]),
            ("Refactor src/", ["src/"]),
            ("Refactor ./src/a.py:12", ["src/a.py"]),
            ("Change src/app/[id].tsx", ["src/app/[id].tsx"]),
            ("Fix all of src/**/*.py", ["src/**/*.py"]),
            ("Write a Makefile", ["Makefile"]),
            ("Create src/new.py", ["src/new.py"]),
            ("Make a folder lib/new/", ["lib/new/"]),
        ],
    )
    def test_what_looks_like_a_path(self, sentence: str, found: list[str]) -> None:
        assert paths(sentence) == found

    @pytest.mark.parametrize(
        "sentence",
        [
            "Update it, e.g. the input/output and/or v1.2.3",
            "Upgrade to Node.js and os.path",
            "See https://example.com/x/y.html or www.example.com/a.py and write to ada@example.com",
            "Use TCP/IP and 3/4 of it",
            "Run the tests of src",
            'Say "hello, world" there',
            "Fix the `foo.bar` call",
        ],
    )
    def test_what_does_not(self, sentence: str) -> None:
        assert paths(sentence) == []

    def test_a_file_that_is_not_there_is_told_so(self) -> None:
        wish = read("Create src/new.py")
        assert not wish.files[0].there
        assert "file: src/new.py, which is not there yet (said)" in map(str, meant_by(wish))

    @pytest.mark.parametrize("path", ["/etc/hosts.conf", "../up.py", "~/x.py", "src/../../x.py", ".git/config.ini"])
    def test_what_lies_outside_is_refused_and_told(self, path: str) -> None:
        wish = read(f"Change {path} please")
        assert wish.files == ()
        assert f"not taken: `{path}`: it does not lie in the project (said)" in map(str, meant_by(wish))

    def test_files_as_flags_win(self) -> None:
        wish = read("Fix src/a.py", files=("README.md", "src"))
        assert [target.path for target in wish.files] == ["README.md", "src/"]
        assert wish.sources["files"] is Source.FLAG

    def test_a_flag_that_leads_outside_is_a_mistake(self) -> None:
        with pytest.raises(errors.UsageError) as caught:
            read("Fix it", files=("../x.py",))
        assert caught.value.message == "--file `../x.py`: it does not lie in the project"


class TestGates:
    @pytest.mark.parametrize(
        ("sentence", "gates"),
        [
            ("Add x to src/a.py, run lint and unit tests", ("lint", "unit")),
            ("Verify types, coverage and security", ("typecheck", "coverage", "sast")),
            ("check the formatting and the secrets", ("format", "secrets")),
            ("Fix it with mypy, ruff and pytest", ("lint", "typecheck", "unit")),
            ("Change it; types and build must pass", ("typecheck", "build")),
            ("Fix it, then run all checks", QUALITY),
            ("verify the quality", QUALITY),
            ("Run pip-audit", ("audit",)),
            ("Run gate:licenses", ("licenses",)),
            ("Prüfe Typen, Lint und Testabdeckung", ("lint", "typecheck", "coverage")),
            ("Comprueba los tipos y ejecuta las pruebas", ("typecheck", "unit")),
        ],
    )
    def test_words(self, sentence: str, gates: tuple[str, ...]) -> None:
        wish = read(sentence)
        assert wish.gates == gates
        assert wish.sources["gates"] is Source.SAID

    @pytest.mark.parametrize(
        "sentence",
        [
            "Add a format option to the exporter",
            "Fix the build script so that it runs",
            "Rename the secrets module",
            "Add types to the docs of the audit page",
            "Change tests/test_security_lint.py",
            'Replace "lint" by `mypy`',
            "Show the latest contest",
        ],
    )
    def test_words_that_mean_something_else(self, sentence: str) -> None:
        assert read(sentence).sources["gates"] is Source.DEFAULT

    @pytest.mark.parametrize(
        ("sentence", "gates", "omitted"),
        [
            ("Write tests for src/a.py without lint", ("unit",), ("lint",)),
            ("Fix src/a.py, don\N{RIGHT SINGLE QUOTATION MARK}t run the tests", ("lint",), ("unit",)),
            ("Fix src/a.py, no lint and no tests", (), ("lint", "unit")),
            ("Run all checks except coverage and sast", ("format", "lint", "typecheck", "unit", "secrets"), None),
            ("Ändere src/a.py ohne Tests", ("lint",), ("unit",)),
            ("Make sure that there are no lint errors", ("lint",), ()),
        ],
    )
    def test_what_is_left_out(self, sentence: str, gates: tuple[str, ...], omitted: tuple[str, ...] | None) -> None:
        wish = read(sentence)
        assert wish.gates == gates
        assert wish.omitted == (("coverage", "sast") if omitted is None else omitted)

    def test_a_change_is_never_trusted_unseen(self) -> None:
        wish = read("Add a thing to src/a.py")
        assert (wish.gates, wish.optional, wish.sources["gates"]) == (("lint", "unit"), ("lint",), Source.DEFAULT)
        assert read("Fix the typo in README.md").gates == ("secrets",)

    def test_gates_that_were_named_are_not_optional(self) -> None:
        assert read("Fix src/a.py, run coverage").optional == ()
        assert read("Fix src/a.py, run all checks").optional == ("format", "lint", "typecheck", "coverage", "sast")

    def test_flags_win(self) -> None:
        assert read("Fix it, run lint", gates=("types", "tests,gate:licenses")).gates == (
            "typecheck",
            "unit",
            "licenses",
        )
        assert read("Fix it without tests", gates=("unit",)).gates == ("unit",)
        assert read("Fix it, run lint", gates=("none",)).gates == ()
        assert read("Fix it", gates=("quality",)).gates == QUALITY

    def test_a_gate_that_is_not_there(self) -> None:
        with pytest.raises(errors.UsageError) as caught:
            gate_name("lnt", ())
        assert (caught.value.message, caught.value.hint) == ("there is no gate `lnt`", "did you mean `lint`?")
        with pytest.raises(errors.UsageError, match="--gate none together with --gate lint"):
            read("Fix it", gates=("none", "lint"))


class TestMode:
    @pytest.mark.parametrize(
        "sentence",
        ["check the repository", "Verify src/a.py", "lint and tests", "run the tests", "Prüfe alles", "all checks",
         "In src/, please check the types",
         "Make sure the tests pass", "verify the last change"],
    )  # fmt: skip
    def test_checks_alone(self, sentence: str) -> None:
        assert read(sentence).mode is Mode.CHECK

    @pytest.mark.parametrize(
        "sentence",
        ["Fix the failing tests", "Add a test", "please make it black", "In src/a.py, change x", "Behebe den Fehler",
         "Corrige los errores", "run lint, then fix what it finds", "use claude",
         "Straighten the sum in src/a.py, run the tests", "type hints for src/a.py"],
    )  # fmt: skip
    def test_writing(self, sentence: str) -> None:
        assert read(sentence).mode is Mode.WRITE

    @pytest.mark.parametrize("sentence", ["Explain src/a.py", "What does src/a.py do?", "Please summarize src/"])
    def test_an_answer(self, sentence: str) -> None:
        wish = read(sentence)
        assert (wish.mode, wish.gates) == (Mode.ANSWER, ())

    def test_a_guess_is_told_as_one(self) -> None:
        assert read("type hints for src/a.py").sources["mode"] is Source.DEFAULT
        assert read("Straighten the sum, run the tests").sources["mode"] is Source.DEFAULT
        assert read("Add type hints to src/a.py").sources["mode"] is Source.SAID

    def test_what_is_open_and_create_of_a_pull_request_is_no_writing(self) -> None:
        assert read("Run all checks and create a pull request").mode is Mode.CHECK


class TestPeople:
    @pytest.mark.parametrize(
        ("sentence", "when", "who"),
        [
            ("Fix it after approval", When.AFTER, ""),
            ("Fix it, wait for my ok", When.AFTER, ""),
            ("Fix it and ask me", When.AFTER, ""),
            ("Fix it, let Ada approve it", When.AFTER, "Ada"),
            ("Fix it, to be approved by grace.hopper", When.AFTER, "grace.hopper"),
            ("Fix it once Ada has approved", When.AFTER, "Ada"),
            ("Fix it after Ada's approval", When.AFTER, "Ada"),
            ("Ask me before you change anything, then fix it", When.BEFORE, ""),
            ("Ask Ada first, then fix it", When.BEFORE, "Ada"),
            ("Ändere es nach meiner Freigabe", When.AFTER, ""),
            ("Ändere es, lass Ada freigeben", When.AFTER, "Ada"),
            ("Corrige el error y pregúntame", When.AFTER, ""),
            ("Corrige el error, que Ada lo apruebe", When.AFTER, "Ada"),
            ("Fix it", When.NEVER, ""),
            ("Fix it without approval", When.NEVER, ""),
            ("Fix it and don't ask me", When.NEVER, ""),
            ("Add a spinner on the confirmation page", When.NEVER, ""),
        ],
    )
    def test_approval(self, sentence: str, when: When, who: str) -> None:
        wish = read(sentence)
        assert (wish.approval, wish.approver) == (when, who)

    def test_flags_win(self) -> None:
        assert read("Fix it", approval=True).approval is When.AFTER
        assert read("Ask me first, then fix it", approval=True).approval is When.BEFORE
        refused = read("Fix it, let Ada approve it", approval=False)
        assert (refused.approval, refused.approver) == (When.NEVER, "")
        assert "approval: no (flag)" in map(str, meant_by(refused))

    @pytest.mark.parametrize(
        ("sentence", "pr"),
        [
            ("Fix it and open a PR", True),
            ("Fix it, then submit a draft pull request", True),
            ("Behebe es und erstelle einen Pull-Request", True),
            ("Corrige esto y abre un PR", True),
            ("Fix it, don't open a PR", False),
            ("Fix the pull request template", None),
        ],
    )
    def test_pull_requests(self, sentence: str, pr: bool | None) -> None:
        wish = read(sentence)
        assert wish.pr is bool(pr)
        assert ("pr" in wish.sources) is (pr is not None)
        assert read(sentence, pr=not pr).pr is not pr


class TestMeans:
    @pytest.mark.parametrize(
        ("sentence", "agent"),
        [
            ("Fix it with claude", "claude"),
            ("Let Codex fix it", "codex"),
            ("Use the agent mine to fix it", "mine"),
            ("Behebe es mit aider", "aider"),
            ("Fix the claude integration", ""),
        ],
    )
    def test_agents(self, sentence: str, agent: str) -> None:
        assert read(sentence).agent == agent
        assert read(sentence, agent="gemini").agent == "gemini"

    def test_an_agent_that_is_not_there(self) -> None:
        with pytest.raises(errors.UsageError, match="there is no agent `cloude`"):
            read("Fix it", agent="cloude")

    @pytest.mark.parametrize(
        ("sentence", "usd"),
        [
            ("Fix it for at most $2", "2"),
            ("Fix it, max 1.50 USD", "1.50"),
            ("Behebe es, höchstens 2,50 $", "2.50"),
            ("Corrige, como máximo 3 dólares", "3"),
            ("Allow at most 20 items", ""),
            ("Show prices under $x", ""),
        ],
    )
    def test_budgets(self, sentence: str, usd: str) -> None:
        assert read(sentence).budget == usd
        assert read(sentence, budget="0.25").budget == "0.25"

    @pytest.mark.parametrize("typed", ["0", "-1", "1e3", "two", "0.00", "1,5"])
    def test_no_amount(self, typed: str) -> None:
        with pytest.raises(errors.UsageError, match="is no amount of US dollars"):
            read("Fix it", budget=typed)

    def test_where_each_thing_comes_from_is_told(self) -> None:
        wish = read("Fix src/a.py with claude for at most $2 and open a PR", gates=("lint",))
        assert list(map(str, meant_by(wish))) == [
            "what: files are written, then gates look at them (said)",
            "file: src/a.py (said)",
            "agent: claude (said)",
            "gates: lint (flag)",
            "approval: no (default)",
            "pull request: opened by a person, in the last step (said)",
            "budget: 2 USD (said)",
        ]


@pytest.mark.parametrize(
    ("sentence", "message"), [(" \n", "the sentence is empty"), ("a\udcff", "the sentence is not UTF-8")]
)
def test_a_sentence_that_is_none(sentence: str, message: str) -> None:
    with pytest.raises(errors.UsageError) as caught:
        read(sentence)
    assert caught.value.message == message


def test_a_word_without_end_is_read_within_the_time_of_a_test() -> None:
    wish = understand(f"Fix {'a' * 200_000} src/a.py", PromptFlags(), PROJECT)
    assert [target.path for target in wish.files] == ["src/a.py"]
