"""What people see of a calibration: a page that needs no network, and a picture. Everything shown comes from profiles.

The one room that draws (matplotlib). Nothing is measured here, and nothing decided.
"""

from __future__ import annotations

from framebatch.calibration.report.drawing import to_png
from framebatch.calibration.report.files import report_files, write_report
from framebatch.calibration.report.page import page, title_of

__all__ = ["page", "report_files", "title_of", "to_png", "write_report"]
