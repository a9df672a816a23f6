"""
Adds the backward pass to a network, so that it also gives saliency maps.

onnxruntime runs graphs and computes no gradients. The backward pass is therefore written as a
graph of its own behind the network, once, when a model is exported; running it needs nothing but
onnxruntime.

Beside training this is the only part of the package that needs the ``onnx`` library.
"""
