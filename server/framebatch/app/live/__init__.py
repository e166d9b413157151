"""What the status page shows: figures of the last seconds and the last pictures, kept while somebody looks, and only then."""

from framebatch.app.live.live import Live
from framebatch.app.live.sources import Sources

__all__ = ["Live", "Sources"]
