"""Decoding in processes of their own: pictures go out, network-sized pixels come back through shared memory.

Why processes: at thousands of small pictures a second, decoder threads and the event loop spend their time waiting
for each other's interpreter lock. Besides, a picture that breaks the decoder breaks one process and not the server.
docs/decisions/0017 has the figures.
"""

from framebatch.decoding.pool import DecoderPool

__all__ = ["DecoderPool"]
