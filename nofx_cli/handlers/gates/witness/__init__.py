"""A folder that pytest gets to look into; see `pytest_session`."""
