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

"""A thousand faces that come and go leave nothing behind: publishers, TF, events and memory."""

import gc
import importlib
from pathlib import Path

from hri_listener import HriListener
from posed import face
from posed import head
from posed import scene
import pytest
from rtcnn_perception.nodes.humans_node import HumansNode

FACES = 1000
AT_ONCE = 4
"""Faces in each frame; the oldest of them gives way in the next one."""

WARM_UP = 250
MOST_GROWTH_MB = 6.0
"""Between a quarter of the faces and all of them: 8 KiB a face."""


def resident_mb():
    fields = Path('/proc/self/statm').read_text().split()
    return int(fields[1]) * 4096 / 2**20


@pytest.mark.slow
def test_a_thousand_faces_that_come_and_go_leave_nothing_behind(bench, provided):
    provided('hri_msgs', 'tf2_msgs', 'vision_msgs', 'visualization_msgs')
    outputs = ['events', 'who', 'poses', 'markers', 'vision', 'hri']
    given = {'outputs': outputs, 'events.appear_after': 0.0, 'events.leave_after': 0.1}
    node = bench.add(HumansNode, parameters=given, is_composed=True)
    node.start()
    messages = importlib.import_module('hri_msgs.msg')
    # What the subscriptions of a consumer leave behind is not measured here.
    listener = HriListener(bench.tester, messages, topics=())
    for package, name, topic in (
        ('tf2_msgs', 'TFMessage', '/tf'),
        ('visualization_msgs', 'MarkerArray', 'faces/markers'),
        ('vision_msgs', 'Detection2DArray', 'faces/detections'),
    ):
        kind = getattr(importlib.import_module(f'{package}.msg'), name)
        bench.tester.create_subscription(kind, topic, lambda _: None, 10)
    hri = next(each for each in node._outputs if hasattr(each, '_tracked'))
    bench.spin_until(lambda: hri._tracked.get_subscription_count() == 1, 'the subscription')
    memory, publishers = {}, {}
    for number in range(1, FACES + 1):
        faces = [face(each, pose=head()) for each in range(number, number + AT_ONCE)]
        node.submit(scene(number * 33, *faces))
        bench.spin_until(lambda: node.is_idle, 'the frame')
        if number in (WARM_UP, FACES):
            gc.collect()
            memory[number] = resident_mb()
            publishers[number] = len([*node.publishers])
        del listener.lists[:-1]
    assert node.errors.total == 0, node.errors.values()
    assert publishers[FACES] == publishers[WARM_UP]
    assert len(hri._faces) == AT_ONCE
    assert memory[FACES] - memory[WARM_UP] < MOST_GROWTH_MB
    node.submit(scene((FACES + 10) * 33))
    bench.spin_until(lambda: listener.lists and not listener.faces, 'the last list')
    topics = [name for name, _ in bench.tester.get_topic_names_and_types()]
    assert [name for name in topics if name.startswith('/humans/faces/f')] == []
    presence = node._outputs[0]._presence
    assert len(presence) == 0


def test_of_a_face_whose_topics_cannot_all_be_made_none_is_left(bench, provided, monkeypatch):
    provided('hri_msgs', 'tf2_msgs')
    node = bench.add(HumansNode, parameters={'outputs': ['hri']}, is_composed=True)
    node.start()
    HriListener(bench.tester, importlib.import_module('hri_msgs.msg'), topics=())
    output = node._outputs[0]
    bench.spin_until(lambda: output._tracked.get_subscription_count() == 1, 'the subscription')
    module = importlib.import_module('rtcnn_perception.nodes.humans.hri')
    make, before = module.make_publisher, len([*node.publishers])

    def refuse(node, message_type, topic):
        if topic.endswith('/cropped'):  # as a policy may
            raise RuntimeError('refused')
        return make(node, message_type, topic)

    monkeypatch.setattr(module, 'make_publisher', refuse)
    for number in range(1, 21):
        node.submit(scene(number * 33, face(7)))
        bench.spin_until(lambda: node.is_idle, 'the frame')
    assert len([*node.publishers]) == before
    assert 'refused' in node.errors.values()['last error']
