"""Networks: architectures, weights of others, and the way to an ONNX graph."""
