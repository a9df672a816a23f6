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

"""What a camera node subscribes to, refuses of its own source, and counts as lost."""

from __future__ import annotations

import pytest
from rtcnn_perception.nodes.camera_node import CameraNode
from rtcnn_perception.nodes.conversions.images import compressed_to_msg
from scripted import header
from scripted import picture
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image


@pytest.mark.parametrize(
    ('rules', 'topic'),
    [
        (['image_raw:=/cam/image'], '/cam/image/compressed'),
        (['image_raw/compressed:=/packed'], '/packed'),
        (['image_raw:=/cam/image', 'image_raw/compressed:=/packed'], '/packed'),
    ],
)
def test_the_transport_follows_the_remapped_base_topic(bench, rules, topic):
    frames = []
    node = bench.add(
        CameraNode,
        parameters={'image_transport': 'compressed'},
        cli_args=['--ros-args', *(word for rule in rules for word in ('-r', rule))],
        on_output=frames.append,
    )
    node.start()
    made = bench.tester.create_publisher(CompressedImage, topic, 10)
    bench.connect(made)
    made.publish(compressed_to_msg(picture(90), header(5), 95))
    bench.spin_until(lambda: frames, 'a frame')


def test_images_of_a_source_that_are_larger_than_allowed_are_refused(bench):
    frames = []
    given = {'source': 'builtin', 'source_rate': 200.0, 'max_megapixels': 0.3}
    node = bench.add(CameraNode, parameters=given, on_output=frames.append)
    node.start()
    bench.spin_until(lambda: node.errors.total >= 3, 'errors')
    assert 'an image of 640x480, more than 0.3 megapixels' in node.errors.values()['last error']
    assert frames == []


def test_what_an_activation_lost_is_not_counted_in_the_next(bench):
    bench.tester.create_publisher(Image, 'image_raw', 10)
    node = bench.add(CameraNode)
    node.start()
    bench.spin_until(node._images._topic.publishers, 'the publisher')
    node._images.check()
    for number in (1, 8):
        node._images._on_message(Image(), {'publication_sequence_number': number})
    assert node.lost == 6
    node.trigger_deactivate()
    assert node.lost == 6
    node.trigger_activate()
    assert node.lost == 0
