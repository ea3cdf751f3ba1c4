"""What the summary of a job says of a run beside its gates: what is waited for, why it failed, where it ends."""

from nofx_cli.cli.github.step_summary import markdown
from nofx_cli.cli.render.carried_view import head_words
from nofx_cli.domain.durations import format_duration
from nofx_cli.domain.state import RunStatus
from nofx_cli.domain.step_state import StepStatus
from nofx_cli.engine.view_run import RunView


def about(view: RunView) -> list[str]:
    """Lines of Markdown; an empty one stands behind each paragraph."""
    state = view.state
    lines = [f"{markdown(view.plan.goal)}", ""] if view.plan.goal else []
    for step in state.in_status(StepStatus.WAITING):
        question = markdown(step.approval.question) if step.approval else ""
        approve = f"`nofx approve {step.name} --run {view.run}`"
        lines += [f"⏸️ **{markdown(step.name)}** waits for a person: {question}  ", f"approve it with {approve}", ""]
    if state.status is RunStatus.FAILED and state.failure is not None:
        error = state.failure.error
        why = error.message.split("\n")[0] or error.code
        lines += [f"❌ **{markdown(state.failure.step)}** failed: {markdown(why)}", ""]
    counts = ", ".join(f"{number} {status.value}" for status, number in state.counts.items() if number)
    took = f" in {format_duration(state.duration_ms)}" if state.duration_ms else ""
    return [*lines, f"steps: {counts}{took} · head `{head_words(view.head)}`", ""]
