"""`db_write`: changes of databases, each in one transaction with a row that says that it was made.

    (nothing) ──begin──▶ all executed ──effect.intended──▶ about to commit ──commit──▶ made ──effect.done──▶ on record
                            │ ▲ the row of `nofx_effects` is written first, under the step's key
                            └─┘ any failure: rolled back, with that row, and nothing stands open on record

Authority: the row in `nofx_effects` of the database that is changed. It is there exactly if the change is. Crash
points: before the commit neither is there, and the change is made by the next attempt; after it both are, and whoever
comes finds the row and makes nothing. Two attempts at the same time meet at the primary key: the second waits until the
first has ended, and finds its row or makes the change.
"""
