"""The tool `http`: one request, judged by its answer."""
