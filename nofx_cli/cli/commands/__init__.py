"""One module a command: its options, the use case it calls, what it prints."""
