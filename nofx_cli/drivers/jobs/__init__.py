"""The rules of a queue, written once for all drivers: its state, a fold over operations, and what is decided on it."""
