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

"""Every attribute model that ships has a saliency graph, which maps each of its attributes."""

from __future__ import annotations

import numpy as np
import pytest
from rtcnn_perception.core.attributes.card import AttributeCard
from rtcnn_perception.core.models.card import kind_of
from rtcnn_perception.core.saliency.model import SaliencyModel
from rtcnn_perception.core.saliency.names import METHODS
from rtcnn_perception.core.saliency.names import TOP
from rtcnn_perception.resources import models_directory

MODELS = [
    card.parent
    for card in sorted(models_directory().glob('*/model.json'))
    if kind_of(card) == AttributeCard.KIND
]


def test_attribute_models_ship():
    assert MODELS


@pytest.mark.parametrize('folder', MODELS, ids=lambda folder: folder.name)
def test_a_shipped_model_maps_each_of_its_attributes_by_every_method(folder):
    model = SaliencyModel.load(folder)
    faces = np.random.default_rng(0).integers(0, 256, (2, *model.card.input_shape))
    for attribute in model.card.names:
        for method in METHODS:
            explained = model.explain(faces.astype(np.uint8), attribute, (TOP, 0), method)
            assert np.isfinite(explained.maps).all()
            assert explained.probabilities[attribute].shape[0] == 2
