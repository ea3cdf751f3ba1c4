"""A sentence made into a plan by a model, with the tools that there are and that policy allows as its vocabulary.

The model answers with a short list of steps (`prompt_answer`); nofx writes the plan, and checks it as any other. What
is wrong with it goes back to the model, twice at most. This module asks nobody itself: `ask` does.
"""

from collections.abc import Callable, Sequence

from nofx_cli import errors
from nofx_cli.domain.models import ChatMessage, ModelReply, ModelRequest
from nofx_cli.domain.plan import GATE
from nofx_cli.domain.record import record
from nofx_cli.planning.prompt_answer import ANSWER, ASK, SHELL, Faulty, answer_schema, draft_from
from nofx_cli.planning.prompt_draft import AGENT, CODEGEN, Draft
from nofx_cli.planning.prompt_files import Look
from nofx_cli.planning.prompt_wish import Source, When, Wish
from nofx_cli.planning.prompt_yaml import plan_text

Ask = Callable[[ModelRequest], ModelReply]
Check = Callable[[str], Sequence[str]]
"""What is wrong with the text of a plan, a sentence each: its faults, and what policy denies."""
TRIES = 3
_RULES = "make the plan without a model: --planner rules"
_ABOUT = {
    CODEGEN: "a language model changes files; `text` is its task, `files` are those that it is shown",
    ANSWER: "a language model answers in words; `text` is the question, `files` are those that it is shown",
    ASK: "a person is asked, and the run waits; `text` is the question",
    SHELL: "a command runs in the project's folder, after a person agreed; `command` has its words, one by one",
}
_SYSTEM = """\
You turn a sentence into a plan: a list of steps, each of which starts when the one before it has succeeded.
Each step has a `tool`, and what that needs; `files` are paths in the project, an empty list where there are none.
The tools:
{tools}
Take as few steps as the sentence needs. Put gates behind every step that changes files. Ask a person where the sentence
says so, and before anything acts outside of the project. Do not add what the sentence does not ask for.
Answer with JSON and nothing else."""


@record
class Vocabulary:
    """What a model may use: gates and agents by their names, and whether the other tools are allowed."""

    gates: tuple[str, ...]
    agents: tuple[str, ...] = ()
    codegen: bool = True
    ask: bool = True
    shell: bool = False

    @property
    def tools(self) -> tuple[str, ...]:
        """The tools as an answer names them."""
        there = {CODEGEN: self.codegen, ANSWER: self.codegen, ASK: self.ask, SHELL: self.shell}
        own = [tool for tool, is_there in there.items() if is_there]
        return (*own, *(f"{GATE}{name}" for name in self.gates), *(f"{AGENT}{name}" for name in self.agents))


@record
class Planned:
    """A plan that a model made: its draft, its text, and how many times it was asked."""

    draft: Draft
    text: str
    model: str
    tries: int


def plan_by_model(wish: Wish, vocabulary: Vocabulary, *, ask: Ask, check: Check, look: Look) -> Planned:
    """Ask for a plan until there is one without faults.

    Args:
        wish: what the rules found in the sentence; it holds for the model's plan, too.

    Raises:
        errors.InvalidInput: there was none (code `plan-not-made`); the message has the faults of the last one.
        errors.NofxError: what `ask` raises, with the remedy that no model is needed.
    """
    messages = [ChatMessage("system", _system(vocabulary)), ChatMessage("user", _question(wish))]
    schema = answer_schema(vocabulary.tools)
    faults: Sequence[str] = ()
    for number in range(1, TRIES + 1):
        request = ModelRequest(tuple(messages), kind="reasoning", schema=schema, temperature=0.0)
        reply = _asked(ask, request)
        try:
            draft = draft_from(reply.data, wish, tools=vocabulary.tools, look=look, by=reply.model)
            text = plan_text(draft)
            faults = check(text)
        except Faulty as exc:
            faults = exc.faults
        if not faults:
            return Planned(draft, text, reply.model, number)
        messages += [ChatMessage("assistant", reply.text), ChatMessage("user", _again(faults))]
    raise errors.InvalidInput(
        "\n".join([f"{reply.model} made no plan that can be run, asked {TRIES} times:", *faults]),
        code="plan-not-made",
        hint=_RULES,
        context={"model": reply.model, "faults": list(faults)},
    )


def _asked(ask: Ask, request: ModelRequest) -> ModelReply:
    try:
        return ask(request)
    except errors.NofxError as exc:
        hint = f"{exc.hint}; or {_RULES}" if exc.hint else _RULES
        raise type(exc)(exc.message, code=exc.code, hint=hint, context=exc.context) from exc


def _system(vocabulary: Vocabulary) -> str:
    return _SYSTEM.format(tools="\n".join(f"- {tool}: {_about(tool)}" for tool in vocabulary.tools))


def _about(tool: str) -> str:
    if tool.startswith(GATE):
        return "an automated check; `files` are the paths that it examines, none for all"
    return _ABOUT.get(tool) or "a coding agent changes files; `text` is its task, `files` are what it is about"


def _question(wish: Wish) -> str:
    """The sentence, and what was typed beside it; the sentence stands at the end, and is only that."""
    told = [f"- {line}" for line in _typed(wish)]
    head = ["Besides, this holds:", *told, ""] if told else []
    return "\n".join([*head, "The sentence:", wish.sentence])


def _typed(wish: Wish) -> list[str]:
    lines = []
    if wish.files:
        lines.append(f"files of the project: {', '.join(target.path for target in wish.files)}")
    if wish.gates and wish.sources.get("gates") is not Source.DEFAULT:
        lines.append(f"gates: {', '.join(wish.gates)}")
    if wish.sources.get("approval") is Source.FLAG:
        lines.append("nobody is asked" if wish.approval is When.NEVER else "a person is asked")
    if wish.agent:
        lines.append(f"files are changed by {AGENT}{wish.agent}")
    return lines


def _again(faults: Sequence[str]) -> str:
    return "\n".join(
        ["This plan cannot be run:", *(f"- {fault}" for fault in faults), "Answer with the whole plan again."]
    )
