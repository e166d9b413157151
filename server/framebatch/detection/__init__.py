"""From a picture to boxes: decoding, resizing, running one batch, reading the detector's output.

No network, no queue and no deadline is known here; the device is whatever answers to `detector.Engine`.
"""
