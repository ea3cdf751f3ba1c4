"""`agent:<name>`: a coding agent that people already have, as a step: bounded, watched, and told by what it changed."""
