"""A sentence read by rules: which files, gates, people and limits it names. No model is asked.

What the rules find is told, with where it was found; what they do not find is not made up. Flags win over words. The
sentence itself goes to who writes as it is, so what the rules do not understand is not lost.
"""

import re
from collections.abc import Iterable, Sequence

from nofx_cli import errors
from nofx_cli.domain.record import record
from nofx_cli.planning import prompt_words as words
from nofx_cli.planning.prompt_files import Look, Named, find_paths, target_of
from nofx_cli.planning.prompt_wish import NOT_OPTIONAL, QUALITY, Mode, PromptFlags, Source, Target, When, Wish
from nofx_cli.planning.report import did_you_mean, quoted

_DOCUMENTS = (".md", ".mdx", ".rst", ".txt", ".adoc")
_USD = re.compile(r"[0-9]{1,6}(\.[0-9]{1,4})?")


@record
class Project:
    """What the rules ask of the project: what lies at a path, which gates and agents there are beside those of nofx."""

    look: Look
    gates: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()


def understand(sentence: str, flags: PromptFlags, project: Project) -> Wish:
    """What a sentence and its flags ask for.

    Raises:
        errors.UsageError: the sentence is empty or no text, or a flag cannot be as it is (code `bad-prompt`).
    """
    _check_sentence(sentence)
    named = find_paths(sentence, project.look)
    rest = named.rest.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    rest, agent = _agent(rest, project)
    rest, approval, approver = _approval(rest)
    rest, pr = _pull_request(rest)
    rest, budget = _budget(rest)
    rest, omitted = _omitted(rest)
    said = _gates(rest, project)
    mode = _mode(rest, agent or flags.agent)
    choice = _Choice(flags, project)
    choice.sources["mode"] = Source.SAID if _is_clear(rest, agent or flags.agent) else Source.DEFAULT
    files = choice.files(named)
    gates, optional = choice.gates(said, omitted, _default_gates(mode, files))
    return Wish(
        sentence=sentence,
        mode=mode,
        files=files,
        gates=gates,
        omitted=() if flags.gates else omitted,
        optional=optional,
        approval=choice.approval(approval),
        approver="" if flags.approval is False else approver,
        pr=choice.pull_request(pr),
        agent=choice.agent(agent),
        model=choice.one_of("model", flags.model, ""),
        budget=choice.one_of("budget", _usd(flags.budget), budget),
        refused=named.refused,
        sources={"omitted": Source.SAID, **choice.sources},
    )


def gate_name(typed: str, known: Iterable[str]) -> str:
    """The gate that somebody means who types `tests`, `gate:lint` or `types`.

    Raises:
        errors.UsageError: there is none of that name.
    """
    name = typed.strip().removeprefix("gate:").lower()
    there = tuple(dict.fromkeys((*words.GATES, *known)))
    if typed.removeprefix("gate:") in there:
        return typed.removeprefix("gate:")
    name = words.OTHER_NAMES.get(name, name)
    if name in there:
        return name
    near = did_you_mean(name, there)
    hint = near or f"there are {', '.join(there)}; `quality` for all that need no network; `none`"
    raise errors.UsageError(f"there is no gate {quoted(typed)}", code="bad-prompt", hint=hint)


def _check_sentence(sentence: str) -> None:
    if not sentence.strip():
        raise errors.UsageError("the sentence is empty", code="bad-prompt", hint='say what is to be done: "Add …"')
    try:
        sentence.encode("utf-8")
    except UnicodeEncodeError as exc:
        raise errors.UsageError("the sentence is not UTF-8", code="bad-prompt") from exc


def _agent(rest: str, project: Project) -> tuple[str, str]:
    names = "|".join(map(re.escape, (*project.agents, *words.KNOWN_AGENTS)))
    found = re.search(rf"{words.BEFORE_AGENT}(?P<name>{names})(?:[ -]code)?(?![\w-])", rest, re.IGNORECASE)
    return (_without(rest, found), found["name"].lower()) if found else (rest, "")


def _approval(rest: str) -> tuple[str, When, str]:
    found = words.NO_APPROVAL.search(rest)
    if found:
        return _without(rest, found), When.NEVER, ""
    for pattern, when in ((words.APPROVAL_BEFORE, When.BEFORE), (words.APPROVAL, When.AFTER)):
        found = pattern.search(rest)
        if found:
            who = next((name for name in found.groupdict().values() if name), "")
            return _without(rest, found), when, "" if who.lower() in words.NOBODY else who
    return rest, When.NEVER, ""


def _pull_request(rest: str) -> tuple[str, bool | None]:
    found = words.NO_PULL_REQUEST.search(rest)
    if found:
        return _without(rest, found), False
    found = words.PULL_REQUEST.search(rest)
    return (_without(rest, found), True) if found else (rest, None)


def _budget(rest: str) -> tuple[str, str]:
    found = words.BUDGET.search(rest)
    if not found:
        return rest, ""
    return _without(rest, found), (found["before"] or found["behind"]).replace(",", ".")


def _omitted(rest: str) -> tuple[str, tuple[str, ...]]:
    """The gates that are not wanted."""
    omitted: list[str] = []
    for pattern in (words.OMITTING, words.OMITTING_NO):
        for found in list(pattern.finditer(rest)):
            names = [name for name in words.GATES if _means(name, found["what"])]
            if names:
                omitted += names
                rest = rest.replace(found[0], " ", 1)
    return rest, tuple(dict.fromkeys(omitted))


def _means(gate: str, text: str) -> bool:
    ambiguous = words.AMBIGUOUS_GATES.get(gate)
    return bool(words.GATES[gate].search(text) or (ambiguous and ambiguous.search(text)))


def _gates(rest: str, project: Project) -> tuple[str, ...]:
    """The gates that are named, in the order in which they run."""
    found = {name for name in words.NAMED_GATE.findall(rest) if name in (*words.GATES, *project.gates)}
    found.update(name for name, pattern in words.GATES.items() if pattern.search(rest))
    if words.ALL_GATES.search(rest):
        found.update(QUALITY)
    for clause in words.CLAUSE_END.split(rest):
        checked = _checked_part(clause)
        found.update(name for name, pattern in words.AMBIGUOUS_GATES.items() if pattern.search(checked))
        if words.QUALITY_WORD.search(checked):
            found.update(QUALITY)
    return _ordered(found)


def _checked_part(clause: str) -> str:
    """What stands behind a word for checking; all of a clause that says that something is to pass."""
    if words.PASSING.search(clause):
        return clause
    found = words.CHECKING.search(clause)
    return clause[found.end() :] if found else ""


def _ordered(names: Iterable[str]) -> tuple[str, ...]:
    order = [*words.GATES]
    return tuple(sorted(set(names), key=lambda name: (order.index(name) if name in order else len(order), name)))


def _is_clear(rest: str, agent: str) -> bool:
    """Whether a word says what is to be done; else it is a guess."""
    text = rest.strip()
    writes = words.WRITING.search(text) or words.WRITING_FIRST.search(text) or words.ANSWERING.search(text)
    return bool(agent or writes or _begins_with_checking(text))


def _mode(rest: str, agent: str) -> Mode:
    text = rest.strip()
    if agent or words.WRITING.search(text) or words.WRITING_FIRST.search(text):
        return Mode.WRITE
    if words.ANSWERING.search(text):
        return Mode.ANSWER
    return Mode.CHECK if _begins_with_checking(text) else Mode.WRITE


def _begins_with_checking(text: str) -> bool:
    """Whether what comes first is a check; a verb that nobody knows, before a check, asks for something else."""
    first = re.sub(rf"^(?:\W|{words.FILLING.pattern})+", "", text, flags=re.IGNORECASE)
    gates = [*words.GATES.values(), *words.AMBIGUOUS_GATES.values(), words.NAMED_GATE]
    return any(pattern.match(first) for pattern in (words.CHECKING, words.ALL_GATES, words.QUALITY_WORD, *gates))


class _Choice:
    """What was typed held against what was said; `sources` keeps which of them it became."""

    def __init__(self, flags: PromptFlags, project: Project) -> None:
        self._flags, self._project = flags, project
        self.sources: dict[str, Source] = {}

    def files(self, named: Named) -> tuple[Target, ...]:
        if not self._flags.files:
            self.sources["files"] = Source.SAID
            return named.targets
        self.sources["files"] = Source.FLAG
        targets = {}
        for path in self._flags.files:
            target = target_of(path, self._project.look)
            if target is None:
                message = f"--file {quoted(path)}: it does not lie in the project"
                hint = "give a path below the project's folder, without `..`"
                raise errors.UsageError(message, code="bad-prompt", hint=hint)
            targets[target.path] = target
        return tuple(targets.values())

    def gates(
        self, said: Sequence[str], omitted: Sequence[str], default: Sequence[str]
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The gates, and those of them that may be skipped where they do not apply."""
        if self._flags.gates:
            self.sources["gates"] = Source.FLAG
            return _typed_gates(self._flags.gates, self._project)
        self.sources["gates"] = Source.SAID if said else Source.DEFAULT
        kept = tuple(name for name in said or default if name not in omitted)
        broad = not said or set(QUALITY) <= set(said)
        return kept, tuple(name for name in kept if broad and name not in NOT_OPTIONAL)

    def approval(self, said: When) -> When:
        flag = self._flags.approval
        if flag is None:
            self.sources["approval"] = Source.DEFAULT if said is When.NEVER else Source.SAID
            return said
        self.sources["approval"] = Source.FLAG
        return (When.AFTER if said is When.NEVER else said) if flag else When.NEVER

    def pull_request(self, said: bool | None) -> bool:
        chosen = said if self._flags.pr is None else self._flags.pr
        if chosen is not None:
            self.sources["pr"] = Source.SAID if self._flags.pr is None else Source.FLAG
        return bool(chosen)

    def one_of(self, name: str, flag: str, said: str) -> str:
        if flag or said:
            self.sources[name] = Source.FLAG if flag else Source.SAID
        return flag or said

    def agent(self, said: str) -> str:
        """The agent, which must be known."""
        name = self.one_of("agent", self._flags.agent.removeprefix("agent:"), said)
        if not name:
            return ""
        known = tuple(dict.fromkeys((*self._project.agents, *words.KNOWN_AGENTS)))
        if name not in known:
            hint = did_you_mean(name, known) or f"there are {', '.join(known)}; nofx.yaml can declare others: agents"
            raise errors.UsageError(f"there is no agent {quoted(name)}", code="bad-prompt", hint=hint)
        return name


def _typed_gates(typed: Sequence[str], project: Project) -> tuple[tuple[str, ...], tuple[str, ...]]:
    names = [name.strip() for one in typed for name in one.split(",") if name.strip()]
    if "none" in names:
        if len(names) > 1:
            message = f"--gate none together with --gate {next(name for name in names if name != 'none')}"
            raise errors.UsageError(message, code="bad-prompt", hint="give one of them")
        return (), ()
    broad = {"quality", "all"} & set(names)
    exact = [gate_name(name, project.gates) for name in names if name not in ("quality", "all")]
    optional = [name for name in QUALITY if broad and name not in (*exact, *NOT_OPTIONAL)]
    return _ordered([*exact, *(QUALITY if broad else ())]), tuple(optional)


def _default_gates(mode: Mode, files: Sequence[Target]) -> tuple[str, ...]:
    """Where none is named: a change is never trusted before a gate has seen it."""
    if mode is Mode.CHECK:
        return QUALITY
    if mode is Mode.ANSWER:
        return ()
    if files and all(target.path.lower().endswith(_DOCUMENTS) for target in files):
        return ("secrets",)
    return ("lint", "unit")


def _usd(typed: str) -> str:
    if typed and not (_USD.fullmatch(typed) and typed.strip("0.")):
        raise errors.UsageError(
            f"--budget {quoted(typed)} is no amount of US dollars", code="bad-prompt", hint="write it like 0.50"
        )
    return typed


def _without(text: str, found: "re.Match[str]") -> str:
    return f"{text[: found.start()]} {text[found.end() :]}"
