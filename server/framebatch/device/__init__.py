"""Where batches are run: the one door to onnxruntime and onnx, and the accelerator that is only simulated.

Pictures, boxes and families are unknown here: arrays in, arrays out, and how long it took.

onnxruntime is told here, before anything imports it, to tell nobody: since 1.29 its wheels for Linux send their maker a record of each
session, with the model file's name and hashes of its weights. A setting from outside wins.
"""

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
