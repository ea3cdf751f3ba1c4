"""The folder that a run works on."""
