"""The server's log: what an event is, how a line looks, how often a line may be repeated, and where lines go.

Whoever logs uses the standard library and says which event it is: `log.info("%s ...", x, extra=event("name", field=x))`.
docs/logs.md lists all events.
"""

from framebatch.logs.children import ChildOutput
from framebatch.logs.events import event
from framebatch.logs.stderr import start_logging

__all__ = ["ChildOutput", "event", "start_logging"]
