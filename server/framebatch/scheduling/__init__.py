"""The pure core: which frames, in a batch of what size, at what moment, whom to refuse and when.

No thread, socket, clock, logger or array library is known here. Times come in as integer nanoseconds, decisions go
out as values; the server carries them out, and so can a simulator.
"""

from framebatch.scheduling.ageing import CurveWatch
from framebatch.scheduling.drift import ServiceEstimate
from framebatch.scheduling.pending import Pending, Waiting
from framebatch.scheduling.policy import Decision, Policy, Run, Shed, WaitUntil
from framebatch.scheduling.sharing import Claim, Usage, order
from framebatch.scheduling.smoothed import Smoothed

__all__ = [
    "Claim",
    "CurveWatch",
    "Decision",
    "Pending",
    "Policy",
    "Run",
    "ServiceEstimate",
    "Shed",
    "Smoothed",
    "Usage",
    "WaitUntil",
    "Waiting",
    "order",
]
