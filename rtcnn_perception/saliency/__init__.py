"""
Turns a network into one that also shows what it looks at.

onnxruntime runs graphs and has no gradients, so the backward pass is written out as a graph of its
own, behind the one that judges. This is done once, where a model is exported; what comes out needs
nothing but onnxruntime.

Beside training this is the only part of the package that needs the ``onnx`` library.
"""
