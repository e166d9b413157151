"""What a device was measured to be: the latency table that scheduling plans with, and the document that it comes from.

Values, their comparison and their files belong here. Nothing is measured here, and nothing decided: no clock, no device.
"""

from framebatch.profile.document import (
    SCHEMA_VERSION,
    Allowed,
    Bucket,
    Ceiling,
    Choice,
    Conditions,
    Fingerprint,
    IdlePenalty,
    KeptOut,
    Measurement,
    Memory,
    MemoryLine,
    Profile,
    Run,
    Soak,
    Stages,
)
from framebatch.profile.files import read_profile, write_profile
from framebatch.profile.latency import LatencyTable, buckets_up_to
from framebatch.profile.store import KeptProfile, ProfileStore

__all__ = [
    "SCHEMA_VERSION",
    "Allowed",
    "Bucket",
    "Ceiling",
    "Choice",
    "Conditions",
    "Fingerprint",
    "IdlePenalty",
    "KeptOut",
    "KeptProfile",
    "LatencyTable",
    "Measurement",
    "Memory",
    "MemoryLine",
    "Profile",
    "ProfileStore",
    "Run",
    "Soak",
    "Stages",
    "buckets_up_to",
    "read_profile",
    "write_profile",
]
