"""The parts of the benchmark that run the nodes in processes of their own, for a moment each."""

import cv2
import pytest

pytest.importorskip('rclpy')

from rtcnn_perception.commands.benchmark import pipeline
from rtcnn_perception.commands.benchmark import processes
from rtcnn_perception.commands.benchmark.inputs import find_inputs
from rtcnn_perception.commands.benchmark.watcher import Watcher
from rtcnn_perception.commands.ros import initialised_context
from rtcnn_perception.core.sources.builtin import BuiltinClip
from rtcnn_perception.exceptions import PerceptionError

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures('own_ros')]

FRAMES = 24


@pytest.fixture
def parameters(tmp_path):
    return find_inputs(tmp_path, None, None).parameters()


@pytest.fixture(autouse=True)
def _short_warm_up(monkeypatch):
    monkeypatch.setattr(pipeline, 'WARM_UP_S', 0.2)


@pytest.fixture
def context(own_ros):  # noqa: ARG001 - first of all
    with initialised_context() as made:
        yield made


def test_a_clip_is_played_once_and_none_of_it_is_missed(context, tmp_path, parameters):
    path = tmp_path / 'clip.mp4'
    clip = BuiltinClip()
    # Slow enough for a machine that does something else, too.
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'mp4v'), 4.0, clip.size)
    for index in range(FRAMES):
        writer.write(clip.frame(index))
    writer.release()
    result = pipeline.play_clip(context, path, parameters)
    assert result.frames == FRAMES
    assert FRAMES - 3 <= result.messages <= FRAMES
    assert result.with_face > 0.8
    assert result.id_changes == 0


@pytest.mark.parametrize('name', list(pipeline.SETUPS))
def test_latency_is_measured_in_every_arrangement(context, parameters, name):
    setup = pipeline.SETUPS[name]({**parameters, 'source': 'builtin'})
    result = pipeline.measure_latency(context, setup, seconds=1.0)
    assert result.stamp_to_reception.count > 0
    assert 0 < result.stamp_to_reception.p50 <= result.stamp_to_reception.p99
    assert result.detect.p50 > 0
    assert result.messages_per_second > 0
    assert result.cpu_percent > 0
    assert 50 < result.resident_mb < 5000


def test_memory_is_watched_over_as_many_frames_as_asked_for(context, parameters, monkeypatch):
    monkeypatch.setattr(pipeline, 'SOAK_WARM_UP_FRAMES', 5)
    judged, memory = pipeline.soak(context, {**parameters, 'source': 'builtin'}, frames=20)
    assert judged >= 25
    assert memory.highest_mb >= memory.start_mb > 50


def test_inactive_nodes_are_measured_one_by_one(context, parameters):
    taken = pipeline.idle(context, parameters, seconds=1.0)
    assert set(taken) == {'camera_node', 'detector_node', 'classifier_node'}
    assert all(percent >= 0 for percent in taken.values())


def test_a_process_that_fails_says_why(context, parameters):
    setup = pipeline.composed({**parameters, 'detector.name': 'eyes'})
    with pytest.raises(PerceptionError, match=r'nodes\.perception ended with exit code 1: .*eyes'):
        pipeline.measure_latency(context, setup, seconds=1.0)


def test_a_process_that_does_not_go_is_killed(context, monkeypatch, tmp_path):
    monkeypatch.setattr(processes, 'END_S', 0.2)
    ready = tmp_path / 'ready'
    deaf = ['sh', '-c', f'trap "" INT; touch {ready}; while true; do sleep 0.1; done']
    monkeypatch.setattr(processes.Program, 'command', lambda _: deaf)
    program = processes.Program('deaf')
    with processes.Processes(program) as running, Watcher(context, running.check) as watcher:
        watcher.wait(ready.exists, 30.0, 'it did not start')
        process = running._processes[0]
    assert process.returncode == -9
