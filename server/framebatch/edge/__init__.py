"""What faces the network: gRPC, HTTP, the conversion between the wire and our values. Decides nothing.

gRPC is told here, before anything imports it, to poll in the calling thread instead of a thread pool of its own: an
asyncio server then spends about a quarter less CPU on a frame (docs/decisions/0018). A setting from outside wins.
"""

import os

os.environ.setdefault("GRPC_EXPERIMENTS", "-event_engine_listener")
