"""Write the graph beside its model and name it in the card, all or nothing."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
import tempfile

import numpy as np
import onnxruntime
from rtcnn_perception.core.attributes.card import ModelSpec
from rtcnn_perception.core.models.card import card_path
from rtcnn_perception.core.models.session import in_one_line
from rtcnn_perception.core.models.session import SESSION_ERRORS
from rtcnn_perception.core.saliency.names import MAP_OUTPUT
from rtcnn_perception.core.saliency.names import METHOD_INPUT
from rtcnn_perception.core.saliency.names import METHODS
from rtcnn_perception.core.saliency.names import SALIENCY_NAME
from rtcnn_perception.core.saliency.names import target_input
from rtcnn_perception.core.saliency.names import TOP
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.saliency.borrowed_weights import borrowing
from rtcnn_perception.saliency.saliency_graph import build_saliency_graph

TOLERANCE = 1e-5
"""How far a probability may be from that of the model: what rounding in another order leaves."""

CHECK_BATCHES = (1, 3)


def write_saliency_graph(path: Path) -> Path:
    """
    Make, check and write the graph that shows what a model looks at.

    It takes its weights from the model's file, and so adds little to its size.

    :param path: the folder, the model, or the card
    :returns: where the graph lies
    :raises ModelError: if the model has no card or is not covered, if the graph judges otherwise
        than the model, or if the folder cannot be written to
    """
    spec = ModelSpec.load(path)
    content = spec.read_model()
    graph = build_saliency_graph(content, spec)
    check_agreement(content, graph, spec)
    graph = borrowing(graph, content, spec.file)
    card = card_path(path)
    fields = json.loads(card.read_text(encoding='utf-8'))
    fields['saliency'] = {
        'file': SALIENCY_NAME,
        'sha256': hashlib.sha256(graph).hexdigest(),
        'methods': list(METHODS),
    }
    target = spec.directory / SALIENCY_NAME
    try:
        _replace(target, graph)
        _replace(card, (json.dumps(fields, indent=2) + '\n').encode())
    except OSError as error:
        raise ModelError(
            f'{target}: expected a folder that can be written to, got {error.strerror}; '
            f'copy the model to one of your own'
        ) from error
    return target


def check_agreement(content: bytes, graph: bytes, spec: ModelSpec) -> None:
    """
    Refuse a graph that judges otherwise than its model, or whose maps are no numbers.

    :raises ModelError: saying how
    """
    sessions = []
    for name, serialised in (('the model', content), ('its saliency graph', graph)):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        try:
            sessions.append(
                onnxruntime.InferenceSession(
                    serialised, sess_options=options, providers=['CPUExecutionProvider']
                )
            )
        except SESSION_ERRORS as error:
            raise ModelError(
                f'{spec.path}: onnxruntime {onnxruntime.__version__} cannot load {name} '
                f'({in_one_line(error)}); nothing was written'
            ) from error
    random = np.random.default_rng(0)
    names = [head.output for head in spec.heads]
    for faces in CHECK_BATCHES:
        pixels = random.integers(0, 256, (faces, *spec.input_shape)).astype(spec.input_dtype)
        expected = sessions[0].run(names, {spec.input_name: pixels})
        for number, method in enumerate(METHODS):
            feed = {spec.input_name: pixels, METHOD_INPUT: np.array([number], dtype=np.int64)}
            for head in spec.heads:
                feed[target_input(head.attribute)] = np.full(faces, TOP, dtype=np.int64)
            *found, maps = sessions[1].run([*names, MAP_OUTPUT], feed)
            worst = max(float(np.abs(f - e).max()) for f, e in zip(found, expected, strict=True))
            if not (worst <= TOLERANCE and np.isfinite(maps).all()):
                raise ModelError(
                    f'{spec.path}: expected the same probabilities and finite maps from the '
                    f'saliency graph, got a difference of {worst:.2e} with method {method}; '
                    f'nothing was written'
                )


def _replace(path: Path, content: bytes) -> None:
    """Write a file beside and put it in place in one step."""
    handle, name = tempfile.mkstemp(prefix='.saliency-', dir=path.parent)
    unfinished = Path(name)
    try:
        with os.fdopen(handle, 'wb') as stream:
            stream.write(content)
        unfinished.chmod(0o644)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
