import pytest

pytest.importorskip('rclpy')

from rtcnn_perception.commands.benchmark import node_runs
from rtcnn_perception.commands.benchmark import processes
from rtcnn_perception.commands.benchmark.watcher import Watcher
from rtcnn_perception.commands.ros import initialised_context
from rtcnn_perception.exceptions import PerceptionError

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures('own_ros')]


@pytest.fixture
def context(own_ros):  # noqa: ARG001 - it sets the domain
    with initialised_context() as made:
        yield made


def test_a_process_that_fails_is_reported_with_the_end_of_its_log(context):
    setup = node_runs.composed({'detector.name': 'eyes'})
    with pytest.raises(PerceptionError, match=r'nodes\.perception ended with exit code 1: .*eyes'):
        node_runs.measure_latency(context, setup, seconds=1.0)


def test_a_process_that_does_not_end_is_killed(context, monkeypatch, tmp_path):
    monkeypatch.setattr(processes, 'END_S', 0.2)
    ready = tmp_path / 'ready'
    endless = ['sh', '-c', f'trap "" INT; touch {ready}; while true; do sleep 0.1; done']
    monkeypatch.setattr(processes.Program, 'command', lambda _: endless)
    program = processes.Program('endless')
    with processes.Processes(program) as running, Watcher(context, running.check) as watcher:
        watcher.wait(ready.exists, 30.0, 'it did not start')
        process = running._processes[0]
    assert process.returncode == -9
