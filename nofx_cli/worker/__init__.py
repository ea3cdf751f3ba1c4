"""The loops that execute runs."""
