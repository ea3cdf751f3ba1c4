"""Where a value may be spliced into a shell command. `@` stands for the value."""

import subprocess
from pathlib import Path

import pytest

from nofx_cli.planning.shell_text import ShellScan

SAFE = [
    "echo @",
    "echo a@b --x=@ @@",
    "echo 'a'@\"b\"@",
    "X=@ cmd > @ 2>&1",
    "cat <<< @",
    'echo "$(cat @)" @',
    'echo "a ${x:-y} b" @',
    "echo `date` @",
    "echo ${#x} $# @",
    "echo a#@",
    'echo "$$(" @ $$ ")"',
    "# it's a comment\necho @",
    "cat <<EOF\nit's\nEOF\necho @",
    "cat <<EOF\nwell :)\n$(date) ${x}\nEOF\necho @",
    "cat <<'EOF'\n$( ` ${\nEOF\necho @",
    "cat <<-'E F'\n\tit's\n\tE F\necho @",
    "cat <<A <<B\nit's\nA\n\"\nB\necho @",
    "cat <<EOF # it's\nit's\nEOF\necho @",
    "echo $((1 + (2 << 3))) @",
    "(cd @ && ls) | wc @",
    "case @ in a) echo @;; esac",
    "echo \\' @ \\\\@",
    "echo $'it\\n' @",
    'echo "it\'s \\" \\$(" @',
    "for x in @; do echo @; done",
    'x=(@ @)\necho "${x[*]}" @',
]
UNSAFE = [
    ("echo '@'", "inside single quotes"),
    ('echo "@"', "inside double quotes"),
    ('echo "$(echo "@")"', "inside double quotes"),
    ("echo $'@'", "inside $'…' quotes"),
    ("echo `echo @`", "inside backticks"),
    ("echo ${x:-@}", "inside ${…}"),
    ('echo "${x:-@}"', "inside ${…}"),
    ("echo $((@ + 1))", "inside arithmetic"),
    ("((x = @))", "inside arithmetic"),
    ("echo a # @", "in a comment"),
    ("cat <<EOF\n@\nEOF", "in a here-document"),
    ("cat <<'EOF'\na\n@", "in a here-document"),
    ("echo $(cat <<EOF\n@\nEOF\n)", "in a here-document"),
    ("cat <<@\n", "in the name of a here-document"),
    ("cat << @\n", "in the name of a here-document"),
    ("cat <<EOF@\n", "in the name of a here-document"),
    ("echo \\@", "after a backslash"),
    ("echo $@", "after a `$`"),
    ('echo "${x:-it\'s}" @', "after quotes that nofx cannot follow"),
    ("echo $'it\\'s' @", "after quotes that nofx cannot follow"),
    ('echo "$(case x in a) echo;; esac)" @', "after quotes that nofx cannot follow"),
    ("cat <<EOF\n$(\nEOF\n) @", "after quotes that nofx cannot follow"),
    ("echo $(( $(echo ')') )) @", "after quotes that nofx cannot follow"),
]


def obstacles(text: str) -> list[str]:
    scan = ShellScan()
    found = []
    for place, piece in enumerate(text.split("@")):
        if place:
            found.append(scan.obstacle)
            scan.value()
        scan.feed(piece)
    return found


@pytest.mark.parametrize("text", SAFE)
def test_a_value_may_stand_where_quotes_are_read(text: str) -> None:
    assert set(obstacles(text)) == {""}


@pytest.mark.parametrize(("text", "reason"), UNSAFE)
def test_a_value_may_not_stand_where_quotes_do_not_protect(text: str, reason: str) -> None:
    assert reason in obstacles(text)


@pytest.mark.parametrize("shell", ["sh", "bash"])
@pytest.mark.parametrize("text", [text for text in SAFE if "x=(" not in text])
def test_where_it_is_safe_no_value_can_act(text: str, shell: str, tmp_path: Path) -> None:
    """What a real shell makes of it: a value that would touch a file, did it break out, touches none."""
    value = "'$(touch broke)`touch broke`\";touch broke;#\n&touch broke;$((`touch broke`))'"
    quoted = "'" + value.replace("'", "'\"'\"'") + "'"
    subprocess.run([shell, "-c", text.replace("@", quoted)], cwd=tmp_path, capture_output=True, check=False, timeout=20)
    assert not (tmp_path / "broke").exists()
