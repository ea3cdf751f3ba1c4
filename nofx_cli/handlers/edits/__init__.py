"""Edits: a model's answer becomes changes of files, all of them or none.

In this order, the names being those of `nofx_cli.handlers.edits.api`:

1. `settle(workspace, store=…, work=…)`, before anything of the workspace is read, the prompt's files included: what a
   process left half done when it died is taken back, and what this very work did before it was cut off;
2. `instructions(format)` goes into the system prompt;
3. `parse(text, format)` gives edits; it looks at the answer alone;
4. `plan_changes(edits, workspace, store=…, check_write=…)` gives a `ChangeSet`; it only reads;
5. `apply_changes(change_set, workspace, store=…, work=…)` does it.

3 and 4 raise `Refused` with every reason that was found, and `refusal_message(refused)` says that to the model.
"""
