"""How Hypothesis searches here: without a clock, without a database, and the same way each time under CI."""

import os

from hypothesis import settings

settings.register_profile(
    "nofx", deadline=None, database=None, derandomize="CI" in os.environ, max_examples=60, print_blob=True
)
settings.load_profile("nofx")
