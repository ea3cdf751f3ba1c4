"""The coding agents that nofx knows: their words, how each is given the prompt, and whose format it prints.

What is written here follows what the makers document:

- `claude`, Claude Code: "Run Claude Code programmatically" and "CLI reference" of code.claude.com. `-p` reads the
  prompt from standard input; `--output-format stream-json` needs `--verbose`. In mode `acceptEdits` files are edited
  without a question, and what else would be asked about is refused, for nobody is there to answer.
- `codex`, Codex CLI: "Non-interactive mode", `docs/exec.md` of openai/codex. `-` reads the prompt from standard input;
  `--json` prints events as JSON Lines. Its sandbox `workspace-write` lets it edit files, without a network.
- `gemini`, Gemini CLI: "Headless mode reference", `docs/cli/headless.md` of google-gemini/gemini-cli. It is headless
  where its standard input is no terminal, and takes the prompt from there: an argument would be bounded in length and
  seen by others. `auto_edit` lets it edit files, and nothing that would be asked about.
- `aider`: "Options reference" and "Scripting aider" of aider.chat. It prints text. It commits nothing, keeps no history
  in the project, and runs no commands that a model suggests.

None of them is told to push, and none of these words lets one commit; what one does all the same is looked at
afterwards.
"""

from collections.abc import Mapping
from typing import Literal

from nofx_cli.domain.record import record

PROMPT, PROMPT_FILE, MODEL, ARGS = "{prompt}", "{prompt_file}", "{model}", "{args}"
"""Places in the words of a command."""


@record
class Profile:
    """What is known of an agent.

    Attributes:
        title: what people call it.
        command: its first words, which are always there.
        options: an option each, with its value; one that the `args` of a step name too is left out.
        model: the option that names a model.
        last: its last words.
        reader: what reads its output, as `module:class`.
        install: the command that installs it.
        keys: environment variables that a key can come in; one of them does.
        without_git: words for a workspace that is in no repository.
        own_files: what it leaves for itself at the top of a workspace, as globs. That is no change.
    """

    name: str
    title: str
    command: tuple[str, ...]
    options: tuple[tuple[str, ...], ...]
    prompt: Literal["stdin", "file"]
    model: str
    reader: str
    install: str
    keys: tuple[str, ...]
    last: tuple[str, ...] = ()
    without_git: tuple[str, ...] = ()
    own_files: tuple[str, ...] = ()


_STREAMS = "nofx_cli.handlers.agents.streams"
PROFILES: Mapping[str, Profile] = {
    "claude": Profile(
        "claude",
        "Claude Code",
        command=("claude", "-p"),
        options=(
            ("--output-format", "stream-json"),
            ("--verbose",),
            ("--permission-mode", "acceptEdits"),
            ("--disallowedTools", "Bash(git commit:*),Bash(git push:*)"),
        ),
        prompt="stdin",
        model="--model",
        reader=f"{_STREAMS}.claude:ClaudeReader",
        install="npm install -g @anthropic-ai/claude-code",
        keys=("ANTHROPIC_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN"),
    ),
    "codex": Profile(
        "codex",
        "Codex CLI",
        command=("codex", "exec"),
        options=(("--json",), ("--sandbox", "workspace-write"), ("--skip-git-repo-check",)),
        prompt="stdin",
        model="--model",
        last=("-",),
        reader=f"{_STREAMS}.codex:CodexReader",
        install="npm install -g @openai/codex",
        keys=("CODEX_API_KEY",),
    ),
    "aider": Profile(
        "aider",
        "aider",
        command=("aider", "--yes-always"),
        options=(
            ("--no-auto-commits",),
            ("--no-dirty-commits",),
            ("--no-gitignore",),
            ("--no-suggest-shell-commands",),
            ("--no-pretty",),
            ("--no-stream",),
            ("--no-check-update",),
            ("--no-detect-urls",),
            ("--chat-history-file", "/dev/null"),
            ("--input-history-file", "/dev/null"),
        ),
        prompt="file",
        model="--model",
        last=("--message-file", PROMPT_FILE),
        reader=f"{_STREAMS}.aider:AiderReader",
        install="python -m pip install aider-chat",
        keys=("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY"),
        without_git=("--no-git",),  # to every question it answers yes, also whether to make a repository
        own_files=(".aider*",),
    ),
    "gemini": Profile(
        "gemini",
        "Gemini CLI",
        command=("gemini",),
        options=(("--output-format", "stream-json"), ("--approval-mode", "auto_edit")),
        prompt="stdin",
        model="--model",
        reader=f"{_STREAMS}.gemini:GeminiReader",
        install="npm install -g @google/gemini-cli",
        keys=("GEMINI_API_KEY",),
    ),
}
PLAIN_READER = f"{_STREAMS}.reading:PlainReader"
"""What reads the output of an agent that is not known."""
