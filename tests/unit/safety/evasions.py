"""Ways around a rule that denies a program, each beside a harmless near relative that such a rule must leave alone.

The denied program, `forbidden`, is the tests' own and only leaves the file `ran` in its working folder: an evasion
that works harms nothing, wherever the tests run. None may name a program of the system in its place.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

DENIED = ("forbidden", "git push", "rm")
BIN = "@BIN@"
"""Stands for the folder that has the denied program."""
_FILES: Mapping[str, str] = {
    "runs.sh": "#!/bin/sh\nforbidden x\n",
    "runs.py": "import os\nos.system('forbidden x')\n",
    "Makefile": "all:\n\tforbidden x\n",
    "names": "x\n",
    "x": "",
}


class Evasion(NamedTuple):
    """One way around, and its relative.

    Attributes:
        needs: a program that this machine may lack.
        shown: whether it can be shown to work where no rule denies it.
    """

    tries: str
    text: str
    relative: str
    shell: str = "sh"
    needs: str = ""
    shown: bool = True
    env: Mapping[str, str] = {}


def make_forbidden(folder: Path) -> Path:
    """Make the denied program in a folder of its own; returns that folder."""
    folder.mkdir(parents=True)
    program = folder / "forbidden"
    program.write_text("#!/bin/sh\n: > ran\n")
    program.chmod(0o755)
    return folder


def fill(folder: Path) -> Path:
    """Put the files there that evasions use."""
    folder.mkdir(parents=True)
    for name, text in _FILES.items():
        (folder / name).write_text(text)
    (folder / "runs.sh").chmod(0o755)
    return folder


EVASIONS = (
    Evasion("quotes_in_the_name", "for''bidden x", "echo 'forbidden x'"),
    Evasion("a_backslash_in_the_name", "for\\bidden x", "echo for\\bidden x"),
    Evasion("a_line_broken_in_the_name", "for\\\nbidden x", "echo for\\\nbidden x"),
    Evasion("an_escaped_backslash_before_the_end_of_a_line", "echo \\\\\nforbidden x", "echo a \\\nforbidden x"),
    Evasion("the_whole_path", "@BIN@/forbidden x", "/bin/ls x"),
    Evasion("dots_in_the_path", "@BIN@/../bin/./forbidden x", "/usr/../bin/./ls x"),
    Evasion("a_link_of_another_name", "ln -s @BIN@/forbidden ls && ./ls x", "ln -s @BIN@/forbidden ls && ls x"),
    Evasion("a_copy_of_another_name", "cp @BIN@/forbidden tool && ./tool x", "cp @BIN@/forbidden tool && ls x"),
    Evasion("after_a_separator", "true;forbidden x", "true;ls x"),
    Evasion("after_and_and", "true&&forbidden x", "true&&ls x"),
    Evasion("in_a_pipeline", "true|forbidden x", "true|ls x"),
    Evasion("in_the_background", "forbidden x & wait", "ls x & wait"),
    Evasion("behind_a_redirection", "2>err >out forbidden x", "2>err >out echo forbidden x"),
    Evasion("behind_an_assignment", "A=1 forbidden x", "A=forbidden ls x"),
    Evasion("in_a_subshell", "(cd . && forbidden x)", "(cd . && ls x)"),
    Evasion("in_a_group", "{ forbidden x; }", "{ ls x; }"),
    Evasion("in_a_condition", "if forbidden x; then :; fi", "if ls x; then :; fi"),
    Evasion("in_a_loop", "for f in x; do forbidden $f; done", "for f in forbidden x; do echo $f; done"),
    Evasion("in_a_case", "case x in (y) ;; *) forbidden x;; esac", "case forbidden in forbidden) ls x;; esac"),
    Evasion("in_a_function", "act() { forbidden x; }; act", "act() { ls x; }; act"),
    Evasion("the_arguments_of_a_function", 'act() { "$@"; }; act forbidden x', 'act() { echo "$@"; }; act forbidden x'),
    Evasion(
        "a_function_that_takes_the_name",
        "forbidden() { :; }; unset -f forbidden; forbidden x",
        "keep() { :; }; keep forbidden x",
    ),
    Evasion("a_command_substitution", "echo $(forbidden x)", "echo $(ls x)"),
    Evasion("backticks", "echo `forbidden x`", "echo `ls x`"),
    Evasion("a_substitution_in_double_quotes", 'echo "$(forbidden x)"', "echo '$(forbidden x)'"),
    Evasion("a_substitution_in_a_default_value", "echo ${A:-$(forbidden x)}", "echo ${A:-forbidden x}"),
    Evasion("a_substitution_in_a_here_document", "cat <<E\n$(forbidden x)\nE", "cat <<'E'\n$(forbidden x)\nE"),
    Evasion("behind_a_here_document", "cat <<'E'\nx\nE\nforbidden x", "cat <<'E'\nforbidden x\nE\nls"),
    Evasion("behind_what_only_looks_like_a_comment", "echo a#; forbidden x", "echo a # ; forbidden x"),
    Evasion("a_process_substitution", "cat <(forbidden x)", "cat <(ls x)", "bash"),
    Evasion("quotes_that_only_bash_knows", "$'\\x66orbidden' x", "echo $'\\x66orbidden' x", "bash"),
    Evasion("a_name_in_a_variable", "A=forbidden; $A x", "A=forbidden; echo $A x"),
    Evasion("a_name_by_a_glob", "@BIN@/f[o]rbidden x", "echo @BIN@/f[o]rbidden x"),
    Evasion("a_name_by_braces", "{forbidden,x}", "echo {forbidden,x}", "bash"),
    Evasion("eval", "eval 'forbidden x'", "eval 'ls x'"),
    Evasion("eval_of_a_variable", 'A="forbidden x"; eval "$A"', 'A="forbidden x"; echo "$A"'),
    Evasion("exec", "exec forbidden x", "exec ls x"),
    Evasion("the_builtin_command", "command forbidden x", "command -v forbidden"),
    Evasion("a_trap", "trap 'forbidden x' EXIT", "trap 'ls x' EXIT"),
    Evasion("an_alias", "alias ls='forbidden'\nls x", "ls x"),
    Evasion("a_file_that_is_sourced", ". ./runs.sh", "cat ./runs.sh"),
    Evasion("the_memory_of_files", "hash -p @BIN@/forbidden ls; ls x", "hash -r; ls x", "bash"),
    Evasion(
        "arithmetic_that_runs_commands",
        "A='b[$(forbidden x)]'; echo $((A))",
        "A=1; A=$((A + 1)); echo $((A))",
        "bash",
    ),
    Evasion("a_script", "./runs.sh", "cat runs.sh"),
    Evasion("a_script_given_to_a_shell", "sh runs.sh", "sh -c 'cat runs.sh'"),
    Evasion("a_text_given_to_a_shell", "sh -c 'forbidden x'", "sh -c 'ls x'"),
    Evasion("a_text_given_to_bash_with_options", "bash -eu -o pipefail -c 'forbidden x'", "bash -eu -c 'ls x'"),
    Evasion("the_input_of_a_shell", "echo 'forbidden x' | sh", "echo 'forbidden x' | cat"),
    Evasion("env", "env A=1 forbidden x", "env A=1 ls x"),
    Evasion("env_that_clears_everything", "env -i @BIN@/forbidden x", "env -i ls x"),
    Evasion("env_that_splits_a_text", "env -S 'forbidden x'", "env -S 'ls x'", needs="env -S"),
    Evasion("nice", "nice -n 1 forbidden x", "nice -n 1 ls x"),
    Evasion("nohup", "nohup forbidden x", "nohup ls x"),
    Evasion("timeout", "timeout -k 1 5 forbidden x", "timeout -k 1 5 ls x", needs="timeout"),
    Evasion("stdbuf", "stdbuf -o0 forbidden x", "stdbuf -o0 ls x", needs="stdbuf"),
    Evasion("setsid", "setsid -w forbidden x", "setsid -w ls x", needs="setsid"),
    Evasion("wrappers_in_wrappers", "nice env A=1 sh -c 'nohup forbidden x'", "nice env A=1 sh -c 'nohup ls x'"),
    Evasion("xargs", "xargs forbidden < names", "xargs ls < names"),
    Evasion("xargs_that_fills_in_the_name", "echo x | xargs -I@ sh -c 'forbidden @'", "echo x | xargs -I@ echo @"),
    Evasion("find_that_runs", "find . -name x -exec forbidden {} +", "find . -name x -exec ls {} +"),
    Evasion("find_that_deletes", "find . -name nothing -delete", "find . -name '*delete'", shown=False),
    Evasion("make", "make", "cat Makefile", needs="make"),
    Evasion(
        "code_for_python", "python3 -c 'import os; os.system(\"forbidden x\")'", "python3 --version", needs="python3"
    ),
    Evasion("a_file_for_python", "python3 runs.py", "cat runs.py", needs="python3"),
    Evasion(
        "a_module_of_python_that_runs_code",
        "python3 -m timeit -n 1 -r 1 'import os; os.system(\"forbidden x\")'",
        "echo 1 | python3 -m json.tool",
        needs="python3",
    ),
    Evasion("code_for_perl", "perl -e 'system(qw(forbidden x))'", "perl --version", needs="perl"),
    Evasion("awk", "awk 'BEGIN { system(\"forbidden x\") }'", "awk '{ print $1 }' names", needs="awk"),
    Evasion("awk_with_a_pipe", 'awk \'BEGIN { print "x" | "forbidden x" }\'', "awk '$1 || $2' names", needs="awk"),
    Evasion("sed_that_runs", "sed '1e forbidden x' names", "sed 's/e/E/' names", needs="sed --sandbox"),
    Evasion(
        "sed_that_runs_what_it_makes", "sed 's/^/forbidden /e' names", "sed -n 's/^/a /p' names", needs="sed --sandbox"
    ),
    Evasion(
        "tar_at_a_checkpoint",
        "tar cf x.tar names --checkpoint=1 --checkpoint-action=exec='forbidden x'",
        "tar cf x.tar names",
        needs="tar --to-command",
    ),
    Evasion("sort_that_compresses", "sort --compress-prog=forbidden names", "sort -u names", shown=False),
    Evasion("an_alias_of_git", "git -c alias.a='!forbidden x' a", "git -c user.name=forbidden version", needs="git"),
    Evasion(
        "a_setting_of_git",
        "git init -q . && git config alias.a '!forbidden x' && git a",
        "git init -q .",
        needs="git",
    ),
    Evasion("options_before_a_command_of_git", "git -C nowhere push", "git -C . version", needs="git", shown=False),
    Evasion(
        "an_option_that_is_a_variable",
        'A=-I; tar "$A" forbidden -cf x.tar names',
        'A=y; tar cf "./$A" names',
        needs="tar --to-command",
    ),
    Evasion("path_in_the_text", "ln -s @BIN@/forbidden ls; PATH=. ls x", "A=. ls x"),
    Evasion("path_that_is_read", "ln -s @BIN@/forbidden ls; echo . | { read PATH; ls; }", "echo . | { read A; ls; }"),
    Evasion("path_in_the_environment", "ls x", "ls x", shown=False, env={"PATH": "."}),
    Evasion("a_file_that_bash_reads_first", "ls x", "ls x", "bash", env={"BASH_ENV": "./runs.sh"}),
    Evasion("a_library_that_is_loaded_first", "ls x", "ls x", shown=False, env={"LD_PRELOAD": "./x"}),
    Evasion("options_of_python_in_the_environment", "ls x", "ls x", shown=False, env={"PYTHONSTARTUP": "runs.py"}),
    Evasion("settings_of_git_in_the_environment", "ls x", "ls x", shown=False, env={"GIT_SSH_COMMAND": "forbidden"}),
)
