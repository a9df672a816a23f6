"""
Build, train, evaluate and export the networks; the only part that needs PyTorch.

PyTorch, h5py, TensorBoard and ONNX belong to the extra ``training``; nothing outside this package
and its commands imports them, but for ONNX, which ``rtcnn_perception.saliency`` needs too.
"""
