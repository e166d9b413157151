"""What is good on this host for a server, what is not, and what to do about it.

Facts are gathered in `gathering` and the modules that it uses; each check is a pure function from facts to a finding.
"""

from framebatch.doctor.examination import examine
from framebatch.doctor.finding import Finding
from framebatch.doctor.gathering import gather

__all__ = ["Finding", "examine", "gather"]
