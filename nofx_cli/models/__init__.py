"""Models: which one is asked, how it is asked, and what it costs."""
