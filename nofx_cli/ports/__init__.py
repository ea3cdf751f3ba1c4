"""What nofx asks of the world: Protocols only. A driver is held to them by the suites in `nofx_cli.testing`."""
