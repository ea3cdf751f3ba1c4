"""What is done with a run: create it, carry its steps through the pipeline, answer for it, retry it, cancel it."""
