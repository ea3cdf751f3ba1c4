"""The views of `run`, `resume`, `retry` and `approve`: live on a terminal, plain lines elsewhere.

```python
watched = WatchedRun.of(
    open_run,
    inbox=inbox,                       # the executor's; the view puts Stop(LEFT) into it when the person leaves
    shown=lambda path: (session.layout.run(open_run.run) / path).read_text("utf-8"),
    answer=record,                     # (step, decision, *, note, digest); on a run opened for this alone
)
with choose_view(watched, verbose=verbose) as view:
    ending = execute(open_run, observer=view, inbox=inbox, stay=stay)
```

`view.stopping()` is called by the executor once a signal has come, never in the signal's handler. An `Ending.signal`
of `LEFT` is no signal but a person who left a waiting run: exit code 8. On `__exit__` the view tells how the run was
left, so the command has nothing more to say.
Rich is imported only by the live view, in its own thread.
"""

from nofx_cli.cli.live.choice import choose_view
from nofx_cli.cli.live.watched import LEFT, Answer, View, WatchedRun

__all__ = ["LEFT", "Answer", "View", "WatchedRun", "choose_view"]
