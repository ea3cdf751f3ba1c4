"""Where pull requests are opened: GitHub and what speaks its API, and GitLab."""
