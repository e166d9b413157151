"""Traces of single frames, for whoever collects them: which frames, which spans, and how they leave. Changes no frame."""

from framebatch.tracing.tracer import Tracer

__all__ = ["Tracer"]
