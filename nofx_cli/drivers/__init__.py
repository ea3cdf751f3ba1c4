"""The concrete stores. Only `wiring` and `testing` know them."""
