"""Checks of JavaScript and TypeScript; each belongs to the gate that names it."""
