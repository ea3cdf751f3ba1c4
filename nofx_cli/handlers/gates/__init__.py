"""Gates: automated checks whose verdict rests on evidence that was parsed and counted, never on an exit code alone."""
