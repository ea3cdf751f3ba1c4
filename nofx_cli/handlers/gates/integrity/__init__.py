"""Integrity of gates: whether what a verdict rests on was made weaker since the run was created.

    run created ──▶ snapshot of the workspace, kept with the run; its digest is in the journal
    gate about to pass ──▶ the same look again, before and after its programs ran ──▶ compared
        nothing weaker   ──▶ it passes
        something weaker ──▶ as `approvals.weakened` said when the run was created:
            ask   a person is asked, and shown each weakening; the answer counts for exactly these
            fail  the step fails with `gate-weakened`
            tell  it passes, and its summary says so

`snapshot` looks, `compare` tells what became weaker, `watch` makes an outcome of it. What is looked at: settings
(`configuration`, `thresholds`), tests (`tests_found`), and comments that silence a tool (`markers`). Strengthening is
no weakening; a change that cannot be judged is one.
"""
