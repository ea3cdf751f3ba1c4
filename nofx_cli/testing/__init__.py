"""What the authors of handlers and drivers test with; not imported by nofx itself."""

from nofx_cli.testing.context import FakeContext, ProcessCall, process_result
from nofx_cli.testing.plugin import check, load_handler, preview, reconcile

__all__ = ["FakeContext", "ProcessCall", "check", "load_handler", "preview", "process_result", "reconcile"]
