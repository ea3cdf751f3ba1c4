"""What an agent changed in the workspace: looked at before it begins and after it has ended, not asked of it."""
