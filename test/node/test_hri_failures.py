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

"""What cannot be published of one face costs no other of ROS4HRI."""

import importlib

from hri_listener import HriListener
from posed import face
from posed import scene
from rtcnn_perception.nodes.humans_node import HumansNode


def test_a_face_whose_topics_cannot_be_made_costs_no_other(bench, provided, monkeypatch):
    provided('hri_msgs', 'tf2_msgs')
    messages = importlib.import_module('hri_msgs.msg')
    hri = importlib.import_module('rtcnn_perception.nodes.humans.hri')
    made = hri.FaceTopics

    def refusing(node, name, *further):
        if name.endswith('2'):
            raise RuntimeError('refused by a policy')
        return made(node, name, *further)

    monkeypatch.setattr(hri, 'FaceTopics', refusing)
    node = bench.add(HumansNode, parameters={'outputs': ['hri']}, is_composed=True)
    node.start()
    listener = HriListener(bench.tester, messages, ('roi',))
    tracked = node._outputs[0]._tracked
    bench.spin_until(lambda: tracked.get_subscription_count() >= 1, 'the subscription')
    node.submit(scene(10, face(1), face(2), face(3)))
    bench.spin_until(lambda: listener.lists, 'the list')
    assert list(listener.lists[-1].ids) == ['f00001', 'f00003']
    bench.spin_until(lambda: node.errors.total == 1, 'the error')
