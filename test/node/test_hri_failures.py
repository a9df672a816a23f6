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

"""What cannot be known or published of one face costs no other of ROS4HRI."""

import importlib

from hri_listener import HriListener
from posed import coasted
from posed import face
from posed import scene
import pytest
from rtcnn_perception.nodes.humans_node import HumansNode
from scripted import stamp_of


@pytest.fixture
def listen(bench, provided):
    """Return a function that starts a node, and listens to some topics of its faces."""
    provided('hri_msgs', 'tf2_msgs')
    messages = importlib.import_module('hri_msgs.msg')

    def start(*topics):
        node = bench.add(HumansNode, parameters={'outputs': ['hri']}, is_composed=True)
        node.start()
        listener = HriListener(bench.tester, messages, topics)
        tracked = node._outputs[0]._tracked
        bench.spin_until(lambda: tracked.get_subscription_count() >= 1, 'the subscription')
        return node, listener

    return start


def test_a_face_whose_topics_cannot_be_made_costs_no_other(bench, listen, monkeypatch):
    hri = importlib.import_module('rtcnn_perception.nodes.humans.hri')
    made = hri.FaceTopics

    def refusing(node, name, *further):
        if name.endswith('2'):
            raise RuntimeError('refused by a policy')
        return made(node, name, *further)

    monkeypatch.setattr(hri, 'FaceTopics', refusing)
    node, listener = listen('roi')
    node.submit(scene(10, face(1), face(2), face(3)))
    bench.spin_until(lambda: listener.lists, 'the list')
    assert list(listener.lists[-1].ids) == ['f00001', 'f00003']
    bench.spin_until(lambda: node.errors.total == 1, 'the error')


def test_of_a_face_that_is_not_found_there_is_the_id_alone(bench, listen):
    node, listener = listen('roi', 'cropped')

    def show(number, *faces):
        node.submit(scene(number, *faces))
        bench.spin_until(
            lambda: listener.lists and stamp_of(listener.lists[-1]) == number, 'the list'
        )

    def stamps():
        return [stamp_of(each) for each in listener.faces['f00001'].values()]

    number = 0
    while len(listener.faces.get('f00001', ())) < 2:
        number += 10
        show(number, face(1))
    bench.spin_until(lambda: stamps() == [number] * 2, 'the last messages')
    show(1000, coasted(face(1)))
    show(1010, coasted(face(1)))
    assert list(listener.lists[-1].ids) == ['f00001']
    assert stamps() == [number] * 2
    show(1020, face(1))
    bench.spin_until(lambda: stamps() == [1020] * 2, 'the face that is found again')
