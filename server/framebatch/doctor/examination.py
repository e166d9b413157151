"""All checks, in the order in which a report has them. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from framebatch.doctor.certificates import check_certificate
from framebatch.doctor.gpu import check_driver, check_gpu
from framebatch.doctor.host import (
    check_clock,
    check_descriptors,
    check_memory,
    check_port,
    check_processors,
    check_shared_memory,
)
from framebatch.doctor.keeping import check_disk, check_model
from framebatch.doctor.software import (
    check_cuda,
    check_processor_provider,
    check_python,
    check_runtimes,
    check_tensorrt,
)

if TYPE_CHECKING:
    from framebatch.doctor.facts import Facts
    from framebatch.doctor.finding import Finding

__all__ = ["examine"]


def examine(facts: Facts) -> list[Finding]:
    """Answer what there is to say of a host."""
    software, nvidia = facts.software, facts.nvidia
    found: list[Finding | None] = [
        check_python(software.python),
        check_runtimes(software),
        check_processor_provider(software.runtime),
        check_cuda(software.runtime, nvidia),
        check_tensorrt(software.runtime, wanted=facts.tensorrt),
        check_driver(nvidia, software.runtime.cuda),
        *(check_gpu(index, gpu) for index, gpu in enumerate(nvidia.gpus)),
        check_processors(facts.processors),
        check_memory(facts.memory),
        check_shared_memory(facts.shared),
        *(check_port(port) for port in facts.ports),
        check_certificate(facts.certificate),
        check_descriptors(facts.descriptors, facts.connections),
        check_clock(facts.clock),
        *(check_disk(disk) for disk in facts.disks),
        *(check_model(model) for model in facts.models),
    ]
    return [finding for finding in found if finding is not None]
