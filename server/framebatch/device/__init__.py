"""Where batches are run: the one door to onnxruntime and onnx, and the accelerator that is only simulated.

Pictures, boxes and families are unknown here: arrays in, arrays out, and how long it took.
"""
