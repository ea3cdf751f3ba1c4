"""The settings of a project, each with where its value came from."""
