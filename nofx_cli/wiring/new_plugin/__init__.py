"""Files to begin a handler with: `nofx plugin new`. Their texts lie in `files/`, with `$placeholders`."""
