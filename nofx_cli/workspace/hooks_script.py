"""The script that stands in the place of a hook: it runs the hook that was there before, then nofx.

    git ─▶ <hook> ─▶ <hook>.nofx-kept, where there was one: same arguments, same input; its failure ends it
                  └▶ nofx hooks run <hook> --plan … -- <arguments>

It is plain `sh`, and calls nofx by its own path, so that it works where a program with windows runs git with next to
nothing in its PATH. What it was made with stands in its third line, and a sum of all of it in its second, by which an
edit is seen. `NOFX_HOOKS=off` leaves nofx out, and the hook that was there before in.
"""

import json
import re
import shlex
from dataclasses import asdict

from nofx_cli.domain.ids import digest_of_bytes
from nofx_cli.domain.record import record

VERSION = 1
HOOKS = ("pre-commit", "commit-msg", "pre-push")
KEPT = ".nofx-kept"
"""What the name of a hook ends in that was there before."""
_MARK = re.compile(r"\A#!/bin/sh\n# nofx hook, version (\d+), sum ([0-9a-f]{12})\n# (\{.*\})\n")
_SUMMED = 12
_GIVEN_REFS = "pre-push"
"""The hook that has something to read."""


@record
class HookScript:
    """What a script is made with.

    Attributes:
        plan: the name of a plan, or its path; a relative one counts from the top of the checkout.
        program: the path of nofx; empty for a script that others get too, which takes it from PATH.
        project: the folder of the project below the top of the checkout.
        everywhere: whether repositories have it that nobody meant; one without such a plan is left alone.
        made_folder: whether the folder of the hooks was made for it.
    """

    hook: str
    plan: str
    program: str = ""
    project: str = ""
    everywhere: bool = False
    made_folder: bool = False

    @property
    def text(self) -> str:
        """The script."""
        facts = f"# {json.dumps(_facts(self), ensure_ascii=True)}\n"
        body = f"{facts}{_body(self)}"
        return f"#!/bin/sh\n# nofx hook, version {VERSION}, sum {_sum(body)}\n{body}"


@record
class ReadScript:
    """A script of nofx's that was found; `edited` where it is not what nofx wrote."""

    script: HookScript
    edited: bool


def read_script(data: bytes) -> ReadScript | None:
    """What a hook was made with, where nofx made it, this version or another one."""
    text = data.decode("utf-8", "replace")
    found = _MARK.match(text)
    if found is None:
        return None
    try:
        facts = json.loads(found[3])
        script = HookScript(**{name: facts[name] for name in HookScript.__annotations__ if name in facts})
    except (ValueError, TypeError):
        return ReadScript(HookScript("", ""), edited=True)
    return ReadScript(script, edited=found[2] != _sum(text.split("\n", 2)[2]))


def _facts(script: HookScript) -> dict[str, str | bool]:
    return {name: value for name, value in asdict(script).items() if value}


def _sum(body: str) -> str:
    return digest_of_bytes(body.encode("utf-8", "replace"))[:_SUMMED]


def _body(script: HookScript) -> str:
    hook, reads = script.hook, script.hook == _GIVEN_REFS
    feed = "given | " if reads else ""
    programs = shlex.quote(script.program) + " nofx" if script.program else "nofx"
    words = ["hooks", "run", hook, "--plan", script.plan]
    words += ["--project", script.project] if script.project else []
    words += ["--everywhere"] if script.everywhere else []
    gone = f"nofx is gone{f' from {script.program}' if script.program else ''} and not on PATH"
    return f"""\
# Written by `nofx hooks install`, taken away by `nofx hooks uninstall`, and not to be edited.
here=${{0%/*}}
[ "$here" != "$0" ] || here=.
kept=$here/{hook}{KEPT}
{_READ if reads else ""}if [ -f "$kept" ] && [ -x "$kept" ]; then
  {feed}"$kept" "$@" || exit
fi
[ "${{NOFX_HOOKS:-}}" != off ] || exit 0
for nofx in {programs}; do
  command -v "$nofx" >/dev/null 2>&1 || continue
  {feed}"$nofx" {shlex.join(words)} -- "$@"
  code=$?
  [ $code -eq 126 ] || [ $code -eq 127 ] || exit $code
done
echo {shlex.quote(f"nofx/{hook}: refused, because {gone}")} >&2
echo "  hint: install it and type: nofx hooks install; or remove $0. NOFX_HOOKS=off leaves it out this time" >&2
exit 1
"""


_READ = """\
refs=$(cat)
given() { [ -z "$refs" ] || printf '%s\\n' "$refs"; }
"""
