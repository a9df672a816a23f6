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

"""The examples, started as a user would and heard."""

from dataclasses import replace
import importlib
import itertools
import os
from pathlib import Path
import sys

from executables import Executable
from geometry_msgs.msg import Twist
from posed import face
from posed import head
from posed import INFOS
from posed import scene
import pytest
from rtcnn_perception.msg import FaceAttributes
from rtcnn_perception.nodes.conversions.faces import attributes_to_msg
from rtcnn_perception.nodes.humans_node import HumansNode

EXAMPLES = Path(__file__).parents[2] / 'examples'
AT_ONCE = {'events.appear_after': 0.0, 'events.leave_after': 0.0, 'events.looking_after': 0.0}


@pytest.fixture
def example(tmp_path, monkeypatch):
    """Start examples; they have ended after the test."""
    paths = [str(EXAMPLES.parent), *os.environ.get('PYTHONPATH', '').split(os.pathsep)]
    monkeypatch.setenv('PYTHONPATH', os.pathsep.join(filter(None, paths)))
    started = []

    def start(name):
        log = tmp_path / f'{name}.log'
        started.append(Executable(sys.executable, [str(EXAMPLES / name)], log))
        return started[-1]

    yield start
    for each in started:
        each.kill()


@pytest.fixture
def humans(bench, provided):
    provided('tf2_msgs')
    node = bench.add(
        HumansNode,
        parameters={'outputs': ['events', 'who', 'poses'], **AT_ONCE},
        is_composed=True,
    )
    node.start()
    return node


class Film:
    """Shows frames, one after another, until a condition holds."""

    def __init__(self, bench, node):
        self.bench = bench
        self.node = node
        self.number = 0

    def until(self, condition, *faces):
        def step():
            self.show(*faces)
            return condition()

        self.bench.spin_until(step, 'it')

    def show(self, *faces):
        self.number += 33
        self.node.submit(scene(self.number, *faces))


def test_the_greeter_logs_the_faces_that_look_happy(bench, example):
    process = example('greeter.py')
    publisher = bench.tester.create_publisher(FaceAttributes, 'faces/attributes', 10)
    bench.connect(publisher)
    happy = face(7, emotion=(0.9, 0.0, 0.1))
    without_emotion = replace(happy, attributes={'gender': happy.attributes['gender']})
    publisher.publish(attributes_to_msg(scene(1, without_emotion, attributes=INFOS[1:2])))
    publisher.publish(attributes_to_msg(scene(2, happy, face(8))))
    bench.spin_until(lambda: 'face 7 looks happy' in process.output, 'the greeting')
    assert 'face 8' not in process.output
    assert process.end() == 0


def test_who_looks_at_the_robot_is_greeted_once(bench, example, humans):
    process, film = example('greet_looking.py'), Film(bench, humans)
    events = humans._outputs[0]._events
    bench.spin_until(lambda: events.get_subscription_count() == 1, 'the subscription')
    visitors = itertools.count(100)

    def is_connected():  # both sides: an event before that is left out
        film.show(face(next(visitors), pose=head(looks=True)))
        return 'hello, face 1' in process.output

    bench.spin_until(is_connected, 'the first greeting')
    film.until(lambda: 'hello, face 7' in process.output, face(7, pose=head(looks=True)))
    for looks in (False, True, False, True):
        film.until(lambda: humans.meter.published.count % 3 == 0, face(7, pose=head(looks=looks)))
    film.until(lambda: 'hello, face 8' in process.output, face(8, pose=head(looks=True)))
    assert process.output.count('hello, face 7') == 1
    assert process.end() == 0


def test_the_base_turns_to_the_nearest_face_and_stands_still_without_one(
    bench, example, humans, monkeypatch
):
    prefix = Path(importlib.import_module('tf2_msgs').__file__).parents[2]
    for variable, part in (('PYTHONPATH', 'python'), ('LD_LIBRARY_PATH', 'lib')):
        monkeypatch.setenv(variable, str(prefix / part), prepend=os.pathsep)
    process, film = example('turn_to_nearest.py'), Film(bench, humans)
    commands = bench.subscribe(Twist, 'cmd_vel')

    def turns(sign):
        return lambda: commands and commands[-1].angular.z * sign > 0.0

    left, right = head((-0.5, 0.0, 1.0)), head((0.8, 0.0, 2.0))
    film.until(turns(1), face(1, pose=left), face(2, pose=right))
    film.until(turns(-1), face(2, pose=right))
    film.until(lambda: commands[-1].angular.z == 0.0, face(3))
    film.until(turns(1), face(4, pose=left))
    bench.spin_until(lambda: commands[-1].angular.z == 0.0, 'a stop where no poses come')
    assert process.end() == 0


def test_the_behaviour_succeeds_while_a_person_looks(bench, example, humans):
    pytest.importorskip('py_trees')
    process, film = example('who_behaviour.py'), Film(bench, humans)
    film.until(lambda: 'FAILURE' in process.output, face(1, pose=head()))
    assert 'SUCCESS' not in process.output
    film.until(lambda: 'SUCCESS' in process.output, face(1, pose=head(looks=True)))
    bench.close_node(humans)
    bench.spin_until(lambda: process.output.endswith('RUNNING\n'), 'the end of the answers')
    assert process.end() == 0
