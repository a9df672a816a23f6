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

"""The nodes in processes of their own, for a moment each."""

import cv2
import pytest
from rtcnn_perception.commands.benchmark import node_runs
from rtcnn_perception.commands.benchmark.inputs import find_inputs
from rtcnn_perception.commands.ros import initialised_context
from rtcnn_perception.core.sources.builtin import BuiltinClip

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures('own_ros')]

FRAMES = 24


@pytest.fixture
def parameters(tmp_path):
    return find_inputs(tmp_path, ['rtcnn'], ['emotion', 'gender']).parameters()


@pytest.fixture(autouse=True)
def _short_warm_up(monkeypatch):
    monkeypatch.setattr(node_runs, 'WARM_UP_S', 0.2)


@pytest.fixture
def context(own_ros):  # noqa: ARG001 - it sets the domain
    with initialised_context() as made:
        yield made


def test_a_clip_is_played_once_and_no_frame_is_lost(context, tmp_path, parameters):
    path = tmp_path / 'clip.mp4'
    clip = BuiltinClip()
    # Slow enough for a busy machine.
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'mp4v'), 4.0, clip.size)
    for index in range(FRAMES):
        writer.write(clip.frame(index))
    writer.release()
    result = node_runs.play_clip(context, path, parameters)
    assert result.frames == FRAMES
    assert FRAMES - 3 <= result.messages <= FRAMES
    assert result.with_face > 0.8
    assert result.id_changes == 0


@pytest.mark.parametrize('name', list(node_runs.SETUPS))
def test_latency_is_measured_in_every_arrangement(context, parameters, name):
    setup = node_runs.SETUPS[name]({**parameters, 'source': 'builtin'})
    result = node_runs.measure_latency(context, setup, seconds=1.0)
    assert result.stamp_to_reception.count > 0
    assert 0 < result.stamp_to_reception.p50 <= result.stamp_to_reception.p99
    assert result.detect.p50 > 0
    assert result.messages_per_second > 0
    assert result.cpu_percent > 0
    assert 50 < result.resident_mb < 5000


def test_memory_is_measured_over_the_number_of_frames(context, parameters, monkeypatch):
    monkeypatch.setattr(node_runs, 'SOAK_WARM_UP_FRAMES', 5)
    processed, memory = node_runs.soak(context, {**parameters, 'source': 'builtin'}, frames=20)
    assert processed >= 25
    assert memory.highest_mb >= memory.start_mb > 50


def test_each_inactive_node_is_measured(context, parameters):
    taken = node_runs.idle(context, parameters, seconds=1.0)
    assert set(taken) == {'camera_node', 'detector_node', 'classifier_node', 'humans_node'}
    assert all(percent >= 0 for percent in taken.values())


def test_nodes_without_attributes_are_measured_too(context, parameters):
    setup = node_runs.composed({**parameters, 'attributes': (), 'source': 'builtin'})
    result = node_runs.measure_latency(context, setup, seconds=1.0)
    assert result.stamp_to_reception.count > 0
