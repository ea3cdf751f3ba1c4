"""What a plan, an event and a run are, and what follows from them. Frozen, pure: no I/O and no clock."""
