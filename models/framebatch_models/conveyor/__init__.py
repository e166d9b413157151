"""A procedural camera over a conveyor belt: pictures with exact ground truth, cheap enough to simulate live.

Only the public names belong here.
"""

from framebatch_models.conveyor.scene import LABELS, Conveyor, Scene, Truth

__all__ = ["LABELS", "Conveyor", "Scene", "Truth"]
