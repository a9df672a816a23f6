# Copyright 2026 The rtcnn_perception authors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""The graph of a detector in eight bits: what it is calibrated with, and how near it comes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
import onnx
from rtcnn_perception.core.detection.base import shrink_to_width
from rtcnn_perception.core.models.session import open_session
from rtcnn_perception.training.data.photographs import Photograph
from rtcnn_perception.training.models.onnx_export import shortened
from rtcnn_perception.training.models.quantise import quantised
from rtcnn_perception.training.tasks.detector.predictions import enlarge_to_width
from rtcnn_perception.training.tasks.detector.predictions import padded_input

CALIBRATION = 200
"""Photographs by which the ranges of eight bits are found."""

WIDTHS = (192, 320, 416)
"""Pixels of width at which the detector takes them, in turn."""

BRIGHTNESS = (0.4, 1.25)
"""Factors of their light, so that the ranges hold in the dark as well."""

COMPARED = 100
"""Photographs on which the scores of both graphs are compared."""


def calibration_inputs(photographs: Sequence[Photograph]) -> list[NDArray[np.uint8]]:
    """
    Return inputs (1, H, W, 3) as the detector takes them, of photographs chosen at random.

    :raises DataError: if one cannot be read
    """
    rng = np.random.default_rng(0)
    chosen = rng.permutation(len(photographs))[:CALIBRATION]
    inputs = []
    for number, index in enumerate(chosen):
        width = WIDTHS[number % len(WIDTHS)]
        image, _ = shrink_to_width(enlarge_to_width(photographs[index].read(), width), width)
        lit = np.clip(image * rng.uniform(*BRIGHTNESS), 0, 255).astype(np.uint8)
        inputs.append(padded_input(lit))
    return inputs


def in_eight_bits(content: bytes, photographs: Sequence[Photograph]) -> bytes:
    """
    Return the graph in eight bits; the pixels are its quantised input.

    :param content: the float graph
    :param photographs: of the training part
    :raises ModelError: if there are none, or it is not the graph of a detector
    """
    inputs = calibration_inputs(photographs)
    return quantised(content, inputs, is_stem_float=False, float_results=_last(content))


def _last(content: bytes) -> list[str]:
    """Return the results of the last convolutions, as boxes and landmarks need their digits."""
    nodes = onnx.load_from_string(content).graph.node
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in nodes:
        for name in node.input:
            readers.setdefault(name, []).append(node)

    def leads_on(name: str) -> bool:
        return any(
            node.op_type == 'Conv' or any(map(leads_on, node.output))
            for node in readers.get(name, ())
        )

    return [
        node.output[0] for node in nodes if node.op_type == 'Conv' and not leads_on(node.output[0])
    ]


def score_changes(
    first: bytes, second: bytes, photographs: Sequence[Photograph]
) -> dict[str, Any]:
    """
    Return how much the scores of two graphs differ, over all anchors of some photographs.

    :raises DataError: if one cannot be read
    """
    sessions = [open_session(each, Path('the exported graph')) for each in (first, second)]
    some = photographs[:: max(1, len(photographs) // COMPARED)][:COMPARED]
    largest = []
    for photograph in some:
        image = padded_input(photograph.read())
        scores = [
            session.run(['score'], {session.get_inputs()[0].name: image})[0]
            for session in sessions
        ]
        largest.append(float(np.abs(scores[0] - scores[1]).max()))
    return {
        'photographs': len(some),
        'largest_change_of_a_score': shortened(max(largest)),
        'median_of_the_largest_in_a_photograph': shortened(float(np.median(largest))),
    }
