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

"""The numbers and names in a saliency graph cannot be mistaken for one another."""

from __future__ import annotations

from rtcnn_perception.core.saliency.names import CLASS_MAPS
from rtcnn_perception.core.saliency.names import MAP_OUTPUT
from rtcnn_perception.core.saliency.names import METHOD_INPUT
from rtcnn_perception.core.saliency.names import NOTHING
from rtcnn_perception.core.saliency.names import target_input
from rtcnn_perception.core.saliency.names import TOP


def test_targets_that_are_no_class_are_no_index_of_a_class():
    special = (TOP, CLASS_MAPS, NOTHING)
    assert len(set(special)) == 3
    assert max(special) < 0


def test_each_attribute_has_an_input_of_its_own():
    names = [target_input(attribute) for attribute in ('emotion', 'gender', 'saliency', 'method')]
    assert names[0] == 'target_emotion'
    assert len({*names, METHOD_INPUT, MAP_OUTPUT}) == 6
