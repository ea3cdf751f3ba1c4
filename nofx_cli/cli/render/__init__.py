"""What the commands print, from the values that use cases give."""
