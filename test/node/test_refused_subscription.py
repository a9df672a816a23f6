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

"""A subscription that the middleware refuses leaves nothing behind, and is tried again."""

from __future__ import annotations

import time

import pytest
from rtcnn_perception.nodes.subscriptions.images import ImageSubscription
from sensor_msgs.msg import Image


def refuse(*_args, **_options):
    raise RuntimeError('not allowed')


@pytest.fixture
def node(bench):
    return bench.make_node('subscriber')


@pytest.fixture
def publisher(bench, node):
    made = bench.tester.create_publisher(Image, 'image_raw', 1)
    bench.spin_until(lambda: node.get_publishers_info_by_topic('image_raw'))
    return made


def test_it_is_tried_again(bench, node, publisher, monkeypatch):
    received = []
    with monkeypatch.context() as refused:
        refused.setattr(node, 'get_publishers_info_by_topic', lambda _name: [])
        made = ImageSubscription(
            node, Image, 'image_raw', received.append, qos='auto', clock=time.monotonic
        )
    with monkeypatch.context() as refused:
        refused.setattr(node, 'create_subscription', refuse)
        for _ in range(2):
            with pytest.raises(RuntimeError, match='not allowed'):
                made.check()
    made.check()
    bench.spin_until(lambda: publisher.publish(Image()) or received, 'an image')


@pytest.mark.usefixtures('publisher')
def test_no_timer_is_left(node, monkeypatch):
    before = len(list(node.timers))
    monkeypatch.setattr(node, 'create_subscription', refuse)
    with pytest.raises(RuntimeError, match='not allowed'):
        ImageSubscription(node, Image, 'image_raw', print, qos='auto', clock=time.monotonic)
    assert len(list(node.timers)) == before
