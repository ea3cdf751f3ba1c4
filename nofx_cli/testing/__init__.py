"""What the authors of handlers and drivers test with; not imported by nofx itself."""

from nofx_cli.testing.context import FakeContext, ProcessCall, process_result

__all__ = ["FakeContext", "ProcessCall", "process_result"]
