"""How the reports of tools are read: one module a format, each with a function `judge` (see `table.Judge`)."""
