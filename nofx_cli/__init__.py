"""nofx: durable, auditable runs of plans that verify, generate, wait for people and act."""

__version__ = "0.1.0"
