"""Measuring a device: every batch size in a process of its own, curves from that, and the largest batch worth using.

What a profile is lies in `framebatch.profile`; what is done with it, in scheduling and planning.
"""
