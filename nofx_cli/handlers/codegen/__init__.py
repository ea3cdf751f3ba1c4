"""`codegen`: ask a model, and keep what it answers or make the changes that it writes."""
