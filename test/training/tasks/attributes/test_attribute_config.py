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

from __future__ import annotations

from dataclasses import replace

from bright_faces import CONFIG
import pytest
from rtcnn_perception.training.data.sources import AttributeData
from rtcnn_perception.training.data.sources import DataConfig
from rtcnn_perception.training.engine.networks import Mix


def test_augmentation_eases_where_the_configuration_says():
    never, later = (replace(CONFIG, ease_from=epochs) for epochs in (0, 5))
    assert never.augmentation_at(99) == CONFIG.augmentation
    assert later.augmentation_at(4) == CONFIG.augmentation
    eased = later.augmentation_at(5)
    assert eased.rotation == CONFIG.augmentation.rotation / 2
    assert eased.mirror == CONFIG.augmentation.mirror


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'prior': {'mood': 0.5}}, r'\[prior\] has the head mood, expected'),
        ({'prior': {'shade': 1.5}}, r'prior of shade must be in \[0, 1\], got 1.5'),
        ({'mix': {'mood': Mix('shade', 0.5)}}, r'\[mix\] has the head mood, expected'),
    ],
)
def test_heads_are_those_of_the_data(changes, message):
    with pytest.raises(ValueError, match=message):
        replace(CONFIG, **changes)


@pytest.mark.parametrize('name', ['type', 'training', 'values'])
def test_a_name_that_no_head_of_a_network_can_have_is_refused(name):
    with pytest.raises(ValueError, match=f"PyTorch uses the name '{name}': call"):
        replace(CONFIG, data=DataConfig({name: AttributeData(path=('x',))}))
