"""Weights that a graph borrows from the file of its model, so that they are stored once."""

from __future__ import annotations

import onnx

LARGE_FROM = 256
"""Smaller constants, in bytes, are not worth a reference."""


def borrowing(graph: bytes, model: bytes, file: str) -> bytes:
    """
    Return a graph whose weights lie in the file of the model it was made of.

    ONNX calls this external data: a file beside, and the place within it.

    :param graph: serialised; its own weights that are not in the model's file stay in it
    :param model: the content of the model's file, in which the bytes are looked for
    :param file: the name of the model's file, in the same folder
    """
    parsed = onnx.load_from_string(graph)
    for tensor in parsed.graph.initializer:
        content = tensor.raw_data
        offset = model.find(content) if len(content) >= LARGE_FROM else -1
        if offset < 0:
            continue
        tensor.ClearField('raw_data')
        tensor.data_location = onnx.TensorProto.EXTERNAL
        for key, value in (('location', file), ('offset', offset), ('length', len(content))):
            tensor.external_data.add(key=key, value=str(value))
    return bytes(parsed.SerializeToString())
