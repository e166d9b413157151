"""The pure core: which frames, in a batch of what size, at what moment, whom to refuse and when.

No thread, socket, clock, logger or array library is known here. Times come in as integer nanoseconds, decisions go
out as values; the server carries them out, and so can a simulator. Whoever hosts a `Policy` does this, in this order:

    a frame arrives            policy.arrived(now), policy.shares.classify(camera, its class)
        policy.refusal(...)    if there is one: policy.shares.came(camera), the frame is turned away
                               else pending.accept(frame)
    its pixels are there       pending.make_ready(frame), policy.ready(camera, now, deadline)
    the device could start     policy.decide(pending, start), again after each Shed, until it answers
        Shed(count)            pending.take(count): these are refused
        Run(count, _, chosen)  frames = pending.take(count, chosen), policy.taken(their cameras): these are run
        WaitUntil(time)        ask again then, or at the next event, whichever is sooner
    a batch has finished       policy.estimate.observe(frames, service time)

The server is one host, `framebatch.planning.simulation` another.
"""

from framebatch.scheduling.admission import Probes
from framebatch.scheduling.ageing import CurveWatch
from framebatch.scheduling.decisions import Decision, Run, Shed, WaitUntil, Why
from framebatch.scheduling.drift import ServiceEstimate
from framebatch.scheduling.fairness import Priority
from framebatch.scheduling.in_flight import LANES, InFlight, Running
from framebatch.scheduling.options import PolicyOptions
from framebatch.scheduling.pending import Pending, Waiting
from framebatch.scheduling.policy import Policy
from framebatch.scheduling.preparing import Preparing
from framebatch.scheduling.sharing import Claim, Usage, order
from framebatch.scheduling.smoothed import Smoothed
from framebatch.scheduling.telling import Tally

__all__ = [
    "LANES",
    "Claim",
    "CurveWatch",
    "Decision",
    "InFlight",
    "Pending",
    "Policy",
    "PolicyOptions",
    "Preparing",
    "Priority",
    "Probes",
    "Run",
    "Running",
    "ServiceEstimate",
    "Shed",
    "Smoothed",
    "Tally",
    "Usage",
    "WaitUntil",
    "Waiting",
    "Why",
    "order",
]
