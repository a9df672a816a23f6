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

"""Photographs without a face in which a network sees one: they teach more than others."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.training.data.photographs import Photograph
from rtcnn_perception.training.models.detector import FaceNetwork
from rtcnn_perception.training.tasks.detector.predictions import padded_input
from rtcnn_perception.training.tasks.detector.scenes.batches import to_pixels
import torch

WIDTHS = (224, 320, 416)
"""Of the photographs as the network sees them, in pixels; none is enlarged."""


@torch.inference_mode()
def negative_weights(
    network: FaceNetwork, negatives: Sequence[Photograph], emphasis: float
) -> NDArray[np.float64]:
    """
    Return how often each photograph without a face is to come, relative to the others.

    :param network: the one that errs, on a CPU
    :returns: (N,) 1 plus ``emphasis`` times the square of the highest score anywhere
    :raises DataError: if a photograph cannot be read
    """
    highest = np.zeros(len(negatives))
    for number, photograph in enumerate(negatives):
        image = photograph.read()
        for width in sorted({min(width, photograph.width) for width in WIDTHS}):
            height = max(1, round(photograph.height * width / photograph.width))
            resized = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
            pixels = to_pixels(torch.from_numpy(padded_input(np.asarray(resized, np.uint8))))
            score = float(network(pixels).score.sigmoid().max())
            highest[number] = max(highest[number], score)
    return 1.0 + emphasis * highest**2
