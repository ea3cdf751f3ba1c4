"""The tool `git_pr`: a commit of exactly what was approved, on a branch of its own, and a pull request for it."""
