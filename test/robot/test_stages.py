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

"""Diagnostics of real processes: a stage that gets nothing says so, and simulated time is one."""

import math

import pytest

pytestmark = pytest.mark.slow

ERROR = 2
PLAIN = {'detector.name': 'haar', 'attributes': "['']"}
"""Parameters that need little time and no model."""


def test_a_killed_detector_and_then_a_killed_driver_show_in_every_stage_behind_it(robot):
    it = robot()
    it.listen()
    it.drive(320, 240, 10)
    it.launch(False, PLAIN)
    nodes = ('camera', 'detector', 'classifier')
    it.wait_for(lambda: it.heard('attributes'), 'attributes')
    it.wait_for(lambda: all(it.status(each)['level'] in (0, 1) for each in nodes), 'work')
    assert it.status('camera')['hardware'] == '/image_raw'
    it.kill('detector_node')
    it.wait_for(lambda: it.status('classifier')['level'] == ERROR, 'the error of the classifier')
    message = it.status('classifier')['message']
    assert message.startswith('no image with its rois for')
    assert '/faces/rois' in message
    assert it.status('camera')['level'] != ERROR
    it.kill('driver')
    it.wait_for(lambda: it.status('camera')['level'] == ERROR, 'the error of the camera')
    assert it.status('camera')['message'].startswith('no image for')
    it.wait_for(lambda: '/faces/image' in it.status('classifier')['message'], 'its reason')


def test_the_nodes_behind_a_silent_camera_say_so(robot):
    it = robot()
    it.listen()
    it.launch(True, PLAIN)
    for node in ('camera', 'detector', 'classifier'):
        it.wait_for(lambda node=node: it.status(node)['level'] == ERROR, f'the error of {node}')
        assert it.status(node)['message'].startswith('no image for')


def test_on_simulated_time_there_is_no_latency_before_it_and_no_false_warning_on_it(robot):
    it = robot()
    it.listen()
    driver = it.drive(320, 240, 20, 40)
    it.launch(True, {**PLAIN, 'use_sim_time': True})
    it.wait_for(lambda: it.heard('attributes'), 'attributes before simulated time')
    assert math.isnan(it.heard('attributes')[0]['total_ms'])
    driver.write('start\n')
    it.wait_for(lambda: math.isfinite(it.heard('attributes')[-1]['total_ms']), 'a latency')
    before = len(it.heard('status'))
    it.wait_for(lambda: len(it.heard('status')) >= before + 12, 'diagnostics')
    messages = [each['message'] for each in it.heard('status')[before + 3 :]]
    assert not any('stamps lie' in each for each in messages), messages
