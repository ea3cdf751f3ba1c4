"""Rules on commands: what fits one, what is looked through, what is refused, and how that is told."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from nofx_cli.domain.policy import Rule, Rules
from nofx_cli.safety.commands import Refusal, check_command
from tests.unit.safety.evasions import BIN, DENIED, EVASIONS, Evasion, fill, make_forbidden


class Bench:
    """A workspace, a folder of programs on PATH, and rules at any levels."""

    def __init__(self, folder: Path) -> None:
        self.programs = make_forbidden(folder / "bin")
        self.workspace = fill(folder / "workspace")
        self.base = {"PATH": f"{self.programs}{os.pathsep}{os.environ['PATH']}", "HOME": str(folder), "LANG": "C"}
        self.levels: list[Rules] = []

    def level(self, *, allow: Sequence[str] | None = None, deny: Sequence[str] = ()) -> "Bench":
        """Add a level; its rules stand on lines of their own."""
        place = len(self.levels)
        listed = None if allow is None else tuple(Rule(text, f"a{place}:{n}") for n, text in enumerate(allow, 1))
        denied = tuple(Rule(text, f"d{place}:{n}") for n, text in enumerate(deny, 1))
        self.levels.append(Rules(listed, denied, f"a{place}:0" if allow is not None else ""))
        return self

    def check(self, *argv: str, env: Mapping[str, str] | None = None, cwd: str = ".") -> Refusal | None:
        return check_command(
            self.levels,
            argv,
            env={**self.base, **(env or {})},
            base_env=self.base,
            cwd=self.workspace / cwd,
            workspace=self.workspace,
        )

    def text(self, text: str, *, shell: str = "sh", env: Mapping[str, str] | None = None) -> Refusal | None:
        """Check a text as a step gives it to its shell."""
        begin = ("/bin/sh", "-ec") if shell == "sh" else ("bash", "-eo", "pipefail", "-c")
        return self.check(*begin, text.replace(BIN, str(self.programs)), env=env)

    def program(self, name: str, text: str = "#!/bin/sh\n", *, folder: Path | None = None) -> Path:
        path = (folder or self.programs) / name
        path.write_text(text)
        path.chmod(0o755)
        return path

    def why(self, text: str, *, shell: str = "bash") -> str:
        refusal = self.text(text, shell=shell)
        return refusal.why if refusal else ""


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "bench")


class TestEvasions:
    @pytest.mark.parametrize("evasion", EVASIONS, ids=lambda evasion: evasion.tries)
    def test_it_is_denied(self, bench: Bench, evasion: Evasion) -> None:
        bench.level(deny=DENIED)
        assert bench.text(evasion.text, shell=evasion.shell, env=evasion.env) is not None

    @pytest.mark.parametrize("evasion", EVASIONS, ids=lambda evasion: evasion.tries)
    def test_its_relative_is_allowed(self, bench: Bench, evasion: Evasion) -> None:
        bench.level(deny=DENIED)
        assert bench.text(evasion.relative, shell=evasion.shell) is None


class TestLevels:
    def test_without_rules_everything_is_allowed_and_nothing_is_looked_at(self, bench: Bench) -> None:
        assert bench.text('$X; eval "$Y"; ((', env={"LD_PRELOAD": "x"}) is None
        assert bench.level().text("$X", env={"LD_PRELOAD": "x"}) is None

    def test_a_level_that_allows_everything_is_none(self, bench: Bench) -> None:
        assert bench.level(allow=["*"]).text("$X") is None

    def test_every_level_with_a_list_must_have_it(self, bench: Bench) -> None:
        bench.level(allow=["git *", "ls *"]).level(allow=["git status *"])

        assert bench.check("git", "status", "-s") is None
        assert bench.check("git", "log") == Refusal(
            "allow: `git status *`", "a1:0", "`git log` is not among what is allowed: `git status *`"
        )
        assert bench.check("ls") is not None

    def test_a_level_that_denies_wins_over_all_that_allow(self, bench: Bench) -> None:
        bench.level(allow=["*"], deny=["ls", "git log"]).level(allow=["git *"])

        assert bench.check("git", "status") is None
        assert bench.check("git", "log", "-1") == Refusal(
            "deny: git log", "d0:2", "`git log -1` is denied by `git log`"
        )

    def test_a_list_that_is_empty_allows_nothing(self, bench: Bench) -> None:
        refusal = bench.level(allow=[]).check("true")
        assert refusal == Refusal("allow: nothing", "a0:0", "`true` is not among what is allowed: nothing")

    @pytest.mark.parametrize("pattern", ["", "  ", "git 'status", "''"])
    def test_a_rule_that_cannot_be_read_denies_everything(self, bench: Bench, pattern: str) -> None:
        refusal = bench.level(allow=["*"]).level(deny=[pattern]).check("true")

        assert refusal is not None
        assert (refusal.rule, refusal.source) == (f"deny: {pattern}", "d1:1")

    def test_no_command_at_all_is_refused(self, bench: Bench) -> None:
        bench.level(deny=["forbidden"])
        assert bench.check() is not None
        assert bench.check("") is not None


class TestWhatIsAllowed:
    @pytest.mark.parametrize(
        ("rule", "argv"),
        [
            ("git status", "git status"),
            ("git status *", "git status"),
            ("git status *", "git status -s ."),
            ("git status **", "git status -s ."),
            ("git * --short", "git status --short"),
            ("ls *.py", "ls a.py"),
            ("l[sn] x", "ls x"),
            ("ls 'a b'", "ls|a b"),
            ("/bin/ls *", "/bin/ls x"),
            ("ls *", "/bin/ls x"),
        ],
    )
    def test_what_fits_a_rule(self, bench: Bench, rule: str, argv: str) -> None:
        assert bench.level(allow=[rule]).check(*argv.split("|" if "|" in argv else " ")) is None

    @pytest.mark.parametrize(
        ("rule", "argv"),
        [
            ("git status", "git status -s"),
            ("git status", "git"),
            ("git status *", "git log"),
            ("git status *", "git -C . status"),
            ("git * x", "git x"),
            ("ls *.py", "ls a.py b.py"),
            ("ls", "lsblk"),
            ("/bin/ls *", "ls x"),
            ("/usr/local/bin/ls *", "/bin/ls x"),
        ],
    )
    def test_what_does_not(self, bench: Bench, rule: str, argv: str) -> None:
        assert bench.level(allow=[rule]).check(*argv.split()) is not None

    def test_what_is_not_known_beforehand_fits_only_a_star(self, bench: Bench) -> None:
        bench.level(allow=["ls *", "wc -l * x", "cat x*"])

        assert bench.text('ls "$A" $B *') is None
        assert bench.text('wc -l "$A" x') is None
        for text in ("wc -l $A x", 'wc "$A" x x', 'cat "x$A"', "cat x*"):
            assert bench.text(text) is not None, text

    def test_a_program_of_the_workspace_is_not_the_one_of_that_name(self, bench: Bench) -> None:
        bench.program("ls", folder=bench.workspace)
        bench.level(allow=["ls *"])

        assert bench.check("ls", "x") is None
        assert bench.check("./ls", "x") is not None

    def test_a_link_to_the_very_program_is_that_program(self, bench: Bench) -> None:
        (bench.workspace / "forbidden").symlink_to(bench.programs / "forbidden")
        (bench.workspace / "other").symlink_to(bench.programs / "forbidden")
        bench.level(allow=["forbidden *"])

        assert bench.check("./forbidden") is None
        assert bench.check("./other") is not None

    def test_a_link_that_has_the_name_of_an_allowed_program_but_leads_elsewhere_is_not_that_program(
        self, bench: Bench
    ) -> None:
        (bench.workspace / "ls").symlink_to(bench.programs / "forbidden")
        assert bench.level(allow=["ls *"]).check("./ls") is not None

    def test_a_rule_with_a_path_means_that_file_from_wherever_it_is_started(self, bench: Bench) -> None:
        (bench.workspace / "sub").mkdir()
        bench.level(allow=["./runs.sh *"])

        assert bench.check("./runs.sh", "x") is None
        assert bench.check("../runs.sh", "x", cwd="sub") is None
        assert bench.check(str(bench.workspace / "runs.sh")) is None
        assert bench.check("./runs.sh", cwd="sub") is not None

    def test_behind_a_change_of_folder_a_relative_path_means_nothing(self, bench: Bench) -> None:
        bench.level(allow=["./runs.sh"])

        assert bench.text("./runs.sh") is None
        assert bench.text("cd x; ./runs.sh") is not None
        assert bench.text("env -C x ./runs.sh") is not None

    def test_a_function_may_not_have_the_name_that_a_rule_is_on(self, bench: Bench) -> None:
        bench.level(deny=["absent"])

        assert bench.text("present() { ls; }; present") is None
        assert bench.text("absent() { ls; }; absent") is not None

    def test_a_glob_over_paths_does_not_follow_links_out(self, bench: Bench) -> None:
        (bench.workspace / "tools").mkdir()
        bench.program("mine", folder=bench.workspace / "tools")
        (bench.workspace / "tools" / "theirs").symlink_to(bench.programs / "forbidden")
        bench.level(allow=["./tools/* *"])

        assert bench.check("tools/mine") is None
        assert bench.check("tools/theirs") is not None

    def test_builtins_that_start_nothing_need_no_rule(self, bench: Bench) -> None:
        bench.level(allow=["ls *"])

        text = (
            "set -eu; cd x; A=1; export B=2; [ -d x ] || exit 1; printf '%s' y; echo z | while read -r l; do ls; done"
        )
        assert bench.text(text) is None

    def test_outside_of_a_shell_they_are_programs_like_others(self, bench: Bench) -> None:
        assert bench.level(allow=["ls *"]).check("echo", "x") is not None

    def test_the_shell_of_a_step_needs_no_rule_but_others_do_not_hide_behind_it(self, bench: Bench) -> None:
        bench.level(deny=["sh", "bash"])

        assert bench.text("ls") is None
        assert bench.text("ls", shell="bash") is None
        assert bench.text("sh -c ls") is not None
        assert bench.check("sh", "-c", "ls") is not None


class TestWhatIsDenied:
    @pytest.mark.parametrize(
        ("rule", "argv"),
        [
            ("forbidden", "forbidden"),
            ("forbidden", "forbidden -r x"),
            ("forb*", "forbidden"),
            ("git push", "git push origin main"),
            ("git push *", "git push"),
            ("git push", "git -C x push"),
            ("git push", "git -c user.name=x --no-pager push"),
            ("git push", "git --git-dir=x push"),
            ("git push", "git-push origin"),
            ("git push --force", "git push origin --force"),
            ("git push --force", "git push --force=yes"),
            ("git push --force", "git push --forc"),
            ("git push -f", "git push -qf origin"),
            ("tool -rf", "tool -r -f x"),
            ("tool -rf", "tool -fvr x"),
            ("tool a b", "tool -x y a --z b c"),
            ("tool * b", "tool a b"),
            ("* --hard", "git reset --hard"),
            ("pip install", "python3 -m pip install x"),
            ("python -c", "python3 -Ic x"),
        ],
    )
    def test_what_may_fit_a_rule(self, bench: Bench, rule: str, argv: str) -> None:
        refusal = bench.level(allow=["*"], deny=[rule]).check(*argv.split())
        assert refusal is not None
        assert refusal.rule == f"deny: {rule}"

    @pytest.mark.parametrize(
        ("rule", "argv"),
        [
            ("git push", "git commit -m push"),
            ("git push", "git --no-pager log push"),
            ("git push", "git stash push"),
            ("git push --force", "git push origin --follow-tags"),
            ("git push --force", "git push -- --force"),
            ("git push --force", "git push --force-with-lease"),
            ("tool -rf", "tool -r x"),
            ("tool a b", "tool b a"),
            ("tool * b", "tool b"),
            ("forbidden", "echo forbidden"),
            ("ls", "lsblk"),
            ("./runs.sh", "ls runs.sh"),
        ],
    )
    def test_what_does_not(self, bench: Bench, rule: str, argv: str) -> None:
        assert bench.level(allow=["*"], deny=[rule]).check(*argv.split()) is None

    def test_what_is_not_known_beforehand_may_be_what_is_denied(self, bench: Bench) -> None:
        bench.level(deny=["tool -r", "other push"])

        assert bench.text('tool "$A"') is not None
        assert bench.text('other "$A"') is not None
        assert bench.text("other pu*") is not None
        assert bench.text("other pu[s]h") is not None
        assert bench.text('tool -- "$A"') is None
        assert bench.text('tool "./$A"') is None
        assert bench.text('other pull "$A"') is None

    def test_a_link_of_another_name_on_path(self, bench: Bench) -> None:
        (bench.programs / "harmless").symlink_to(bench.programs / "forbidden")
        assert bench.level(deny=["forbidden"]).check("harmless") is not None

    def test_the_file_behind_a_link_that_is_denied(self, bench: Bench) -> None:
        (bench.programs / "alias").symlink_to(bench.programs / "forbidden")
        assert bench.level(deny=["alias"]).check("forbidden") is not None

    def test_a_copy_of_another_name_even_where_a_rule_allows_it(self, bench: Bench) -> None:
        bench.program("tool", (bench.programs / "forbidden").read_text(), folder=bench.workspace)
        bench.program("mine", "#!/bin/sh\nls\n", folder=bench.workspace)
        bench.level(allow=["*", "./tool", "./mine"], deny=["forbidden"])

        assert bench.check("./mine") is None
        refusal = bench.check("./tool")
        assert refusal is not None
        assert refusal.rule == "deny: forbidden"

    def test_a_program_that_looks_at_its_name_is_only_what_it_is_called(self, bench: Bench) -> None:
        bench.program("busybox")
        for name in ("list", "remove"):
            (bench.programs / name).symlink_to(bench.programs / "busybox")
        bench.level(allow=["*", "busybox list *", "busybox remove *"], deny=["remove"])

        assert bench.check("list") is None
        assert bench.check("busybox", "list") is None
        assert bench.check("remove") is not None
        assert bench.check("busybox", "remove") is not None

    def test_a_file_by_its_path_by_a_link_and_by_a_shell(self, bench: Bench) -> None:
        (bench.workspace / "other").symlink_to("runs.sh")
        bench.level(allow=["*", "./other", "sh runs.sh"], deny=["./runs.sh"])

        for argv in (("./runs.sh",), ("./other",), ("sh", "runs.sh")):
            refusal = bench.check(*argv)
            assert refusal is not None
            assert refusal.rule == "deny: ./runs.sh"


class TestWrappers:
    @pytest.mark.parametrize(
        "words",
        [
            "env",
            "env A=1 B=2",
            "env -u A -i",
            "env -C .",
            "nice",
            "nice -n 5",
            "nice -5",
            "nice --adjustment=5",
            "nohup",
            "timeout 5",
            "timeout -s KILL --kill-after=1 5",
            "time -p",
            "stdbuf -oL -e0",
            "setsid -fw",
            "ionice -c 3",
            "xargs",
            "xargs -0 -n 1 -P4",
            "command",
            "exec",
            "builtin exec",
        ],
    )
    def test_a_wrapper_needs_no_rule_but_what_it_starts_does(self, bench: Bench, words: str) -> None:
        bench.level(allow=["ls *"], deny=["forbidden"])

        assert bench.text(f"{words} ls x") is None
        assert "denied" in bench.why(f"{words} forbidden x")
        assert "not among" in bench.why(f"{words} cat x")

    @pytest.mark.parametrize(
        "text",
        [
            "env --no-such-option ls",
            "env -u PATH ls",
            "env -P /tmp ls",
            "env PATH=/tmp ls",
            "env $A ls",
            'env -S "$A"',
            "env ls -S x; env -x ls",
            "timeout $A ls",
            "nice --no-such-option ls",
            "xargs -I$A ls",
            "find $A -name x",
            'find "$A"',
            "find . -exec ls",
            "exec -a x ls",
            "command -p ls",
            'sh -c "$A"',
            "sh $A",
            "bash --rcfile x -c ls",
            "bash -i -c ls",
            "script -q x ls",
        ],
    )
    def test_what_cannot_be_looked_through_is_refused(self, bench: Bench, text: str) -> None:
        assert bench.level(allow=["ls *", "find *"]).text(text, shell="bash") is not None

    @pytest.mark.parametrize("wrapper", ["sudo", "sudo -n -u root", "doas", "chroot /", "unshare -r"])
    def test_other_rights_must_be_named_and_what_gets_them_be_allowed(self, bench: Bench, wrapper: str) -> None:
        name = wrapper.partition(" ")[0]
        bench.program(name)

        assert bench.level(allow=["*"], deny=["forbidden"]).text(f"{wrapper} ls") is not None
        bench.levels.clear()
        assert bench.level(allow=[f"{name} *"]).text(f"{wrapper} ls") is not None
        bench.levels.clear()
        bench.level(allow=[f"{name} *", "ls *"])
        assert bench.text(f"{wrapper} ls") is None
        assert bench.text(f"{wrapper} cat") is not None

    def test_sudo_does_not_hide_a_program_behind_a_variable(self, bench: Bench) -> None:
        bench.program("sudo")
        bench.level(allow=["*", "sudo *"], deny=["forbidden"])

        assert bench.text("sudo A=1 ls") is None
        assert bench.text("sudo A=1 forbidden") is not None
        assert bench.text("sudo PATH=/tmp ls") is not None


class TestCodeThatNobodySees:
    @pytest.mark.parametrize(
        ("text", "rule"),
        [
            ("python3 -c x", "python3 -c *"),
            ("python3 runs.py", "python3 runs.py *"),
            ("python3 -m timeit x", "python3 -m timeit *"),
            ("perl -e x", "perl -e *"),
            ("node x.js", "node x.js"),
            ("make all", "make *"),
            ("npm run build", "npm run build"),
            ("./runs.sh x", "./runs.sh *"),
        ],
    )
    def test_where_anything_is_denied_a_rule_must_name_it(self, bench: Bench, text: str, rule: str) -> None:
        for name in ("node", "npm", "make"):
            bench.program(name)

        assert bench.level(allow=["*"], deny=["forbidden"]).text(text) is not None
        bench.levels.clear()
        assert bench.level(allow=["*", rule], deny=["forbidden"]).text(text) is None

    def test_a_rule_for_the_interpreter_alone_does_not_name_its_code(self, bench: Bench) -> None:
        bench.level(allow=["*", "python3 *"], deny=["forbidden"])
        assert bench.text("python3 -c x") is not None

    def test_where_nothing_is_denied_a_rule_for_the_program_is_enough(self, bench: Bench) -> None:
        bench.program("make")
        bench.level(allow=["python3 *", "make"])

        assert bench.text("python3 -c x; make") is None

    @pytest.mark.parametrize(
        ("text", "rule"),
        [
            ("tar xf a --to-command=cat", "tar xf a --to-command=cat"),
            ("git -c core.pager=cat log", "git -c core.pager=cat log"),
            ("git config alias.x y", "git config alias.x *"),
            ("git unheard-of", "git unheard-of"),
            ("git rebase --exec x main", "git rebase --exec x *"),
            ("sed e x", "sed e *"),
            ("sh runs.sh", "sh runs.sh"),
            ("ssh host ls", "ssh host *"),
            (". ./runs.sh", ". ./runs.sh"),
        ],
    )
    def test_ways_to_other_programs_must_be_named_in_any_case(self, bench: Bench, text: str, rule: str) -> None:
        bench.program("ssh")
        everything = ["tar *", "git *", "sed *", "s[h] *"]

        assert bench.level(allow=everything).text(text) is not None
        bench.levels.clear()
        assert bench.level(allow=[*everything, rule]).text(text) is None

    def test_the_input_of_a_shell_is_allowed_only_by_a_rule_without_a_star(self, bench: Bench) -> None:
        assert bench.level(allow=["sh *"]).text("echo x | sh") is not None
        bench.levels.clear()
        assert bench.level(allow=["sh"]).text("echo x | sh") is None

    @pytest.mark.parametrize("text", ["s/a/b/g", "1,5p", "/a/d", "$p", "s|/a|/b|;p", "s/[a-z]*/x/", "s/a\\/b/c/2p"])
    def test_sed_that_only_edits(self, bench: Bench, text: str) -> None:
        assert bench.level(deny=["forbidden"]).text(f"sed -n '{text}' names") is None

    @pytest.mark.parametrize(
        "text", ["e", "1e x", "s/a/b/e", "s/a/b/ge", "s/a/b/;e", "r x", "w x", "s/a/b/w x", "s/[/]/x/e", "{e\n}", "b;e"]
    )
    def test_sed_that_may_run(self, bench: Bench, text: str) -> None:
        bench.level(deny=["forbidden"])
        assert bench.text(f"sed '{text}' names") is not None
        assert bench.text(f"sed -e p -e '{text}' names") is not None
        assert bench.text(f"sed --sandbox '{text}' names") is None

    def test_a_module_of_the_working_folder_is_not_one_that_is_installed(self, bench: Bench) -> None:
        bench.level(deny=["forbidden"])

        assert bench.text("python3 -m json.tool") is None
        (bench.workspace / "json").mkdir()
        assert bench.text("python3 -m json.tool") is not None


class TestShellText:
    @pytest.mark.parametrize(
        "text",
        [
            "if ls",
            "ls )",
            "ls ; }",
            "echo 'x",
            'echo "x',
            "echo $(ls",
            "cat <<A $(ls\nA\n)",
            "cat <<'A' 'b\nc'\nA",
            "cat <<A\nb\\\nA\nA",
            "((1))",
            "echo $((forbidden) | (forbidden))",
            "ls {PATH}>x",
            "forbidden() { :; }; forbidden",
            "for ((;;)); do ls; done",
            "echo $[1]",
            "echo ${!A}",
            "echo ${A@P}",
            "echo ${A[$(ls)]}",
            "echo ${A:$B}",
            "echo \"${A:-'x'}\"",
            "a[$(ls)]=1",
            "[[ $A -eq 1 ]]",
            ">f [[ x || forbidden ]]",
            "coproc ls",
            "{A}>x ls",
            "set -k",
            "shopt -s expand_aliases",
            "enable -n test",
            "unset -f x",
            "export -n A",
            "export $A",
            "read $A",
            "read 'a[0]'",
            "printf -v PATH x",
            "declare -n A=PATH",
            "for PATH in x; do ls; done",
            ": ${PATH:=x}",
            'trap "$A" EXIT',
            "cd x; ./ls",
            "$(echo ls)",
            "~/ls",
            "echo() { :; }; echo",
            "ls() { :; }; ls",
        ],
    )
    def test_what_nobody_can_tell_is_refused(self, bench: Bench, text: str) -> None:
        assert bench.level(deny=["forbidden"]).text(text, shell="bash") is not None

    @pytest.mark.parametrize(
        "text",
        ["[[ a || b ]]", "cat <(ls)", "cat <<< x", "ls &> x", "ls |& cat", "$'ls'", "a=(1)", "function f { ls; }; f"],
    )
    def test_what_not_every_sh_reads_alike_is_for_bash(self, bench: Bench, text: str) -> None:
        bench.level(deny=["forbidden"])
        assert bench.text(text, shell="bash") is None
        assert bench.text(text) is not None

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "# nothing",
            "ls # forbidden",
            "ls; # a 'quote\nls",
            "if ! ls; then ls; elif ls; then ls; else ls; fi > x 2>&1",
            "while ls; do break; done < x",
            "case $A in a|b) ls;; (c) ls;; *) ;; esac",
            "f() ( ls ); f | cat",
            "{ ls; ls; } >> x && (ls; ls) || ls &",
            'A=1 B=$(ls) ls "${A#x}" ${B%%y} ${#A} $# $? $$ $!',
            "cat <<-A <<'B'\n\tx $C `ls`\n\tA\ny $(forbidden\nB\nls",
            'echo "a\\"b" \'c\' "$(echo "d $(ls)")"',
            "trap 'ls' EXIT; trap - INT; trap",
            'for A in *.py "$@"; do ls "$A"; done',
            "i=0; while [ $i -lt 3 ]; do i=$((i + 1)); done",
            "ls \\\n  -l \\\n  x",
            "echo {} [x] a=~",
        ],
    )
    def test_what_scripts_do_every_day(self, bench: Bench, text: str) -> None:
        bench.level(deny=["forbidden"])
        assert bench.text(text) is None
        assert bench.text(text, shell="bash") is None

    def test_text_within_text_to_any_depth_is_read_or_refused(self, bench: Bench) -> None:
        bench.level(deny=["forbidden"])
        assert bench.text("$(" * 5000 + ")" * 5000) is not None
        assert bench.text("eval " * 50 + "ls") is not None


class TestEnvironment:
    @pytest.mark.parametrize(
        "name",
        [
            *("PATH", "LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", "DYLD_INSERT_LIBRARIES", "BASH_ENV", "ENV", "IFS"),
            *("SHELLOPTS", "BASHOPTS", "PS4", "PROMPT_COMMAND", "PYTHONPATH", "PYTHONSTARTUP", "PYTHONHOME"),
            *("NODE_OPTIONS", "PERL5OPT", "RUBYOPT", "GIT_SSH_COMMAND", "GIT_EXTERNAL_DIFF", "GIT_CONFIG_COUNT"),
            *("EDITOR", "PAGER", "HOME", "BASH_FUNC_ls%%"),
        ],
    )
    def test_a_variable_that_decides_what_programs_run(self, bench: Bench, name: str) -> None:
        bench.level(allow=["ls *"])

        refusal = bench.check("ls", env={name: "/x"})

        assert refusal is not None
        assert refusal.why == f"its environment sets `{name}`, which decides what programs run"
        bench.base[name] = "/x"
        if name != "PATH":
            assert bench.check("ls", env={name: "/x"}) is None

    @pytest.mark.parametrize("name", ["A", "LANG", "TZ", "GIT_AUTHOR_NAME", "NOFX_RUN_ID", "MY_PATH"])
    def test_other_variables_are_free(self, bench: Bench, name: str) -> None:
        assert bench.level(allow=["ls *"]).check("ls", env={name: "/x"}) is None

    def test_a_relative_folder_of_path_may_not_hide_a_program(self, bench: Bench) -> None:
        bench.program("tool", folder=bench.workspace)
        bench.base["PATH"] = "." + os.pathsep + bench.base["PATH"]
        bench.level(allow=["tool", "ls"])

        assert bench.check("ls") is None
        assert bench.check("tool") is not None
