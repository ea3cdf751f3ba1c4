"""A denied command stays denied however it is written; an allowed one stays allowed."""

import shlex
from pathlib import Path

from hypothesis import assume, given
from hypothesis import strategies as st

from nofx_cli.domain.policy import Rule, Rules
from nofx_cli.safety.commands import check_command
from nofx_cli.safety.shell_grammar import read_script
from nofx_cli.safety.shell_words import Undecidable

DENIED = "forbidden"
HERE = Path("/nowhere")
ENV = {"PATH": "/usr/bin:/bin"}
LEVELS = [Rules(allow=(Rule("harmless *"),)), Rules(allow=None, deny=(Rule(DENIED),))]


def is_allowed(text: str, *, bash: bool) -> bool:
    argv = ["bash", "-eo", "pipefail", "-c", text] if bash else ["/bin/sh", "-ec", text]
    return check_command(LEVELS, argv, env=ENV, base_env=ENV, cwd=HERE, workspace=HERE) is None


@st.composite
def spellings(draw: st.DrawFn, word: str) -> str:
    """The word as a shell may be given it: any part of it quoted in any way, or broken over lines."""
    spelt = ""
    for char in word:
        quote = draw(st.sampled_from(["{}", "'{}'", '"{}"', "\\{}", "''{}", '{}""', "\\\n{}", "'{}'\\\n"]))
        spelt += quote.format(char)
    return spelt


WRAPPERS = [
    *("{}", "env {}", "env A=1 {}", "nice -n 3 {}", "nohup {}", "timeout 5 {}", "setsid {}", "xargs {}", "exec {}"),
    *("command {}", "A=1 B=c {}", "2>&1 {} >/dev/null", "! {}", "nice env -u A -- nohup {}"),
]
COMPOUNDS = [
    *(
        "{}",
        "( {} )",
        "{{ {}; }}",
        "{} | cat_",
        "cat_ | {}",
        "true && {}",
        "false || {}",
        "true; {}",
        "{} &",
        "true\n{}\n",
    ),
    *("if {}; then true; fi", "if true; then {}; fi", "if true; then true; else {}; fi", "while {}; do true; done"),
    *(
        "until true; do {}; done",
        "for a in 1 2; do {}; done",
        "case x in x) {};; esac",
        "case x in (y|z) {} ;; *) ;; esac",
    ),
    *(
        "f() {{ {}; }}",
        "echo $( {} )",
        'echo "a $( {} ) b"',
        "echo ${{A:-$( {} )}}",
        "cat_ <<E\n$( {} )\nE\n",
        "# c\n{} # d\n",
    ),
    *("true <<'E'\n'\nE\n{}", "trap true EXIT; {}", "{}; # '\n"),
]


@st.composite
def texts(draw: st.DrawFn, command: str) -> str:
    """A text that runs the command: wrapped, and put into compound commands to some depth."""
    words = [draw(spellings(word)) for word in command.split()]
    blanks = draw(st.sampled_from([" ", "  ", "\t", " \\\n "]))
    text = draw(st.sampled_from(WRAPPERS)).format(blanks.join(words))
    for _ in range(draw(st.integers(0, 4))):
        text = draw(st.sampled_from(COMPOUNDS)).format(text).replace("cat_", "true")
    return text


@given(text=texts(f"{DENIED} -r x"), bash=st.booleans())
def test_a_denied_command_stays_denied(text: str, bash: bool) -> None:
    assert not is_allowed(text, bash=bash)


@given(text=texts("unlisted -r x"), bash=st.booleans())
def test_a_command_that_is_not_listed_is_not_let_through(text: str, bash: bool) -> None:
    assert not is_allowed(text, bash=bash)


@given(text=texts("harmless -r x"), bash=st.booleans())
def test_an_allowed_command_stays_allowed(text: str, bash: bool) -> None:
    assume(not ("<<E\n" in text and "\\\n" in text))  # shells do not agree on lines that are continued there
    assert is_allowed(text, bash=bash)


@given(words=st.lists(st.text(st.characters(blacklist_characters="\0"), max_size=8), max_size=4), bash=st.booleans())
def test_an_allowed_command_is_allowed_whatever_its_quoted_arguments_are(words: list[str], bash: bool) -> None:
    assert is_allowed(shlex.join(["harmless", *words]), bash=bash)


@given(words=st.lists(st.text(st.characters(blacklist_characters="\0"), max_size=8), max_size=4), bash=st.booleans())
def test_quoted_words_are_read_as_the_library_of_python_reads_them(words: list[str], bash: bool) -> None:
    script = read_script(shlex.join(["harmless", *words]), bash=bash)

    assert [[word.text for word in command.words] for command in script.commands] == [["harmless", *words]]
    assert all(word.known for word in script.commands[0].words)


@given(text=st.text("ab x'\"\\$`(){}<>|&;#=\n*[]~!-", max_size=40), bash=st.booleans())
def test_any_text_is_read_or_refused(text: str, bash: bool) -> None:
    try:
        read_script(text, bash=bash)
    except Undecidable:
        return


@given(text=st.text("ab x'\"\\$`(){}<>|&;#=\n*[]~!-", max_size=30), bash=st.booleans())
def test_what_is_put_behind_any_text_that_is_let_through_is_not_lost(text: str, bash: bool) -> None:
    """A text that ends cleanly does not swallow the line that follows it."""
    try:
        read_script(text, bash=bash)
    except Undecidable:
        return
    if not text.endswith("\\") and "<<" not in text:
        assert not is_allowed(f"{text}\n{DENIED} x", bash=bash)
