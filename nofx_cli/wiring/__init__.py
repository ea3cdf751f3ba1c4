"""The composition root: settings become drivers, handlers and services."""
