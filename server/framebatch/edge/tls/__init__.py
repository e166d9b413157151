"""TLS of both ports: reading and judging certificate files, and taking renewed ones without a restart."""

from framebatch.edge.tls.files import Material, TlsFiles, read_material
from framebatch.edge.tls.renewal import Tls

__all__ = ["Material", "Tls", "TlsFiles", "read_material"]
