"""The status page over HTTP: its own files, a stream of states, the cameras' last pictures. Serves; knows no figure."""

from framebatch.edge.page.routes import page_routes

__all__ = ["page_routes"]
