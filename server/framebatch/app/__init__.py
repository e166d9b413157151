"""Builds the server from a Config, starts it, drains it, stops it. The only room that wires others together."""

from framebatch.app.server import App, run

__all__ = ["App", "run"]
