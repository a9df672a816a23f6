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

"""Where the intrinsics of a camera are looked for."""

import pytest
from rtcnn_perception.nodes.pose.inputs import beside


@pytest.mark.parametrize(
    ('image', 'expected'),
    [
        ('/image_raw', '/camera_info'),
        ('/camera/image_raw', '/camera/camera_info'),
        ('/robot/front/color/image', '/robot/front/color/camera_info'),
        ('image_raw', 'camera_info'),
    ],
)
def test_the_intrinsics_are_beside_the_images(image, expected):
    assert beside(image) == expected
