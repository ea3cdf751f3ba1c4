"""Names of programs that run others, or code, that nobody sees in a rule, and of what is known to be harmless.

The lists are bounded: they hold what is common on machines that build and test. `docs/how-to/set-a-policy.md` tells
what follows from being in one of them.
"""

from collections.abc import Mapping


def names(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


LAUNCHERS = names(
    """
    ssh slogin scp sftp rsh mosh autossh sshpass parallel sem su runuser pkexec sg newgrp setpriv capsh runcon
    systemd-run machinectl at batch crontab nsenter bwrap firejail flatpak snap proot fakeroot fakechroot
    start-stop-daemon run-parts daemonize screen tmux xvfb-run ssh-agent dbus-run-session dbus-launch strace ltrace
    gdb lldb valgrind perf rr expect unbuffer socat nc ncat netcat entr flock setarch linux32 linux64 i386 x86_64
    prlimit choom hyperfine faketime torsocks proxychains tsocks logsave ld.so vim vi view vimdiff rvim nvim gvim ex ed
    red emacs emacsclient nano pico joe mcedit mc less more most man pager w3m lynx ftp telnet mail dc osascript open
    xdg-open docker podman nerdctl ctr kubectl lxc vagrant dpkg rpm apt apt-get aptitude yum dnf cpan visudo
    """
)
"""They start what stands in their arguments, or what is typed into them, in ways that nofx does not read."""

RUNNERS: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(
        names(
            """
            make gmake bmake ninja just rake task tox nox gradle gradlew mvn mvnw ant meson bazel scons invoke inv npx
            bunx pnpx uvx ansible ansible-playbook pre-commit terraform tofu ctest cpack waf lein sbt buck2
            """
        ),
        frozenset[str](),
    ),
    "npm": names("run run-script rum urn exec x test t tst start stop restart explore edit it install-test"),
    "yarn": names("run exec dlx node test start"),
    "pnpm": names("run exec dlx test start"),
    "bun": names("run x exec test"),
    "deno": names("run eval task repl test"),
    "cargo": names("run r test t bench build b check c install"),
    "go": names("run generate test tool vet"),
    "poetry": names("run shell"),
    "pipenv": names("run shell"),
    "uv": names("run tool"),
    "pipx": names("run runpip"),
    "hatch": names("run shell test fmt"),
    "pdm": names("run"),
    "rye": names("run"),
    "conda": names("run"),
    "mamba": names("run"),
    "bundle": names("exec"),
    "composer": names("run run-script exec"),
    "cmake": names("--build -P -E --workflow"),
    "gh": names("alias extension ext codespace"),
    "nofx": names("run rerun retry resume approve reject waive worker gates"),
    "dotnet": names("run exec test msbuild build"),
}
"""They run what files of the project say; those with subcommands, by these."""

INTERPRETERS = names(
    """
    perl ruby irb node nodejs php lua luajit tclsh wish Rscript R julia groovy scala kotlin jshell java ghci runghc
    runhaskell ocaml guile racket sbcl clisp erl escript elixir iex octave sqlite3 psql mysql mariadb mongosh m4 gnuplot
    ts-node tsx swift dart crystal nim raku pwsh ipython jython bpython gjs cscript
    """
)
"""Programs that run code from their arguments, a file or their input."""

PYTHON_MODULES = names(
    "timeit pdb cProfile profile trace runpy code asyncio doctest bdb idlelib coverage ipdb IPython viztracer nofx_cli"
)
"""Modules that run other code when they are given to `python -m`."""

OTHER_SHELLS = names("zsh ksh ksh93 mksh lksh pdksh oksh csh tcsh fish yash rc nu elvish")
"""Shells whose language nofx does not read."""

GIT_COMMANDS = names(
    """
    add am annotate apply archive bisect blame branch bugreport bundle cat-file check-attr check-ignore check-mailmap
    check-ref-format checkout checkout-index cherry cherry-pick clean clone column commit commit-graph commit-tree
    config count-objects describe diagnose diff diff-files diff-index diff-tree fast-export fetch fetch-pack
    fmt-merge-msg for-each-ref format-patch fsck gc get-tar-commit-id grep hash-object help index-pack init
    interpret-trailers log ls-files ls-remote ls-tree mailinfo mailsplit merge merge-base merge-file merge-tree mktag
    mktree multi-pack-index mv name-rev notes pack-objects pack-refs patch-id prune prune-packed pull push range-diff
    read-tree rebase reflog remote repack replace request-pull rerere reset restore rev-list rev-parse revert rm
    send-pack shortlog show show-branch show-index show-ref sparse-checkout stage stash status stripspace submodule
    switch symbolic-ref tag unpack-file unpack-objects update-index update-ref update-server-info var verify-commit
    verify-pack verify-tag version whatchanged worktree write-tree
    """
)
"""Git's own commands, but for those that are there to run others; any other name may be an alias."""
