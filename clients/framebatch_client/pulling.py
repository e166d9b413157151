"""Asking a source for its pictures without stopping the event loop.

How a source makes pictures belongs to ``sources``; when to ask belongs to ``stream``.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable
from typing import TypeAlias

import numpy as np

from framebatch_client.errors import InvalidRequest
from framebatch_client.request import Picture
from framebatch_client.sources.base import SourceFrame

Pictures: TypeAlias = Iterable[SourceFrame | Picture] | AsyncIterable[SourceFrame | Picture]
Pull: TypeAlias = Callable[[], Awaitable[SourceFrame | Picture | None]]


def pull_from(source: Pictures) -> tuple[Pull, bool]:
    """Return how to get the next picture (None: no more), and whether to ask only at the moment it is due.

    What is only iterable may block, so it is asked in the event loop's pool of threads (about 0.1 ms of processor time
    per picture); an async iterable is awaited as it is.
    """
    if isinstance(source, AsyncIterable):
        async_iterator = aiter(source)

        async def await_next() -> SourceFrame | Picture | None:
            return await anext(async_iterator, None)

        return await_next, False
    if isinstance(source, (bytes, bytearray, memoryview, str, os.PathLike, np.ndarray)):
        raise InvalidRequest(f"run needs several pictures, not one {type(source).__name__}; use open_source for a path")
    iterator = iter(source)

    async def ask_thread() -> SourceFrame | Picture | None:
        return await asyncio.get_running_loop().run_in_executor(None, next, iterator, None)

    return ask_thread, bool(getattr(source, "live", False))
