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

"""The page of an exported detector: what its figures were measured on, and what they are worth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rtcnn_perception.training.engine.provenance import contents
from rtcnn_perception.training.tasks import model_folder
from rtcnn_perception.training.tasks.detector import train
from rtcnn_perception.training.tasks.detector.config import DetectorTrainConfig
from rtcnn_perception.training.tasks.detector.predictions import MIN_HEIGHTS

COUNTED_HW = (256, 320)
"""Input for which multiply-accumulates are counted: 640x480 at the default width, padded."""

TAUGHT = 'detection/train'
"""The photographs whose faces another detector annotated."""


def model_page(card: Mapping[str, Any], config: DetectorTrainConfig) -> str:
    """
    Return Markdown that says what the card says.

    :param config: of the last training, on whose photographs the figures are held out
    """
    # Weights to start from may have learnt from a teacher where this training did not.
    is_taught = TAUGHT in [entry['name'] for entry in card['data']]
    teacher = f', in `{TAUGHT}` those of another detector' if is_taught else ''
    height, width = COUNTED_HW
    return model_folder.page_of(
        card,
        summary=['Detects faces: for each a score, a box from forehead to chin, five landmarks.'],
        facts=[
            (
                f'Multiply-accumulates of {width}x{height} pixels',
                f'{card["multiply_accumulates"]:,}',
            ),
            *([('Eight bits, sha256', f'`{card["int8"]["sha256"]}`')] if 'int8' in card else []),
            ('Input', 'any multiple of 32 by another, colour (blue first), uint8'),
        ],
        measured_on='Average precision of the graph in float32 at an intersection over union of '
        f'{train.MIN_IOU:g}, of faces of {" or ".join(map(str, MIN_HEIGHTS))} pixels and '
        f'more{_truth(config)}:',
        limits=[
            f'It may repeat the errors of the annotations it learnt from{teacher}. Which groups '
            'of people it finds less often is not measured by its training.'
        ],
    )


def _truth(config: DetectorTrainConfig) -> str:
    """Return whose annotations the figures are against, where some are a teacher's."""
    taught = [TAUGHT in contents(name) for name in config.photographs]
    if not any(taught):
        return ''
    part = '' if all(taught) else 'in part '
    others = ', the others against those of people' if config.test else ''
    return f'; "held out" {part}against annotations of the teacher{others}'
