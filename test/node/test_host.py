"""A process of nodes: exit codes, signals, and errors in one line."""

import os
import signal

import pytest

pytest.importorskip('rclpy')

from rclpy.context import Context
from ros_bench import DOMAIN
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.nodes.base import ManagedNode
from rtcnn_perception.nodes.host import END_WITHIN
from rtcnn_perception.nodes.host import NodeHost
from rtcnn_perception.nodes.host import run_nodes
from rtcnn_perception.nodes.parameters.tables import CameraParameters
from rtcnn_perception.nodes.parameters.tables import NodeParameters
from rtcnn_perception.nodes.parameters.tables import TABLES


@pytest.fixture(autouse=True)
def _own_domain(monkeypatch):
    monkeypatch.setenv('ROS_DOMAIN_ID', str(DOMAIN))


class Probe(ManagedNode[NodeParameters]):
    """A node that does something a moment after it began to spin, or when it is loaded."""

    def __init__(self, *, on_timer=None, on_load=None):
        super().__init__('probe', NodeParameters)
        self._on_load = on_load
        self.ended = False
        if on_timer is not None:
            self.create_timer(0.01, on_timer)

    def _load(self):
        if self._on_load is not None:
            self._on_load()

    def _end(self):
        self.ended = True


def run(*arguments, **behaviour):
    """Run a probe as a process would; return the exit code and the probe."""
    made = []

    def make():
        made.append(Probe(**behaviour))
        return made

    code = run_nodes('probe_node', (NodeParameters,), make, ['probe_node', *arguments])
    return code, made


def fail(error):
    raise error


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_process_with_0_and_the_work_of_the_node(number):
    before = signal.getsignal(number)
    code, (probe,) = run(on_timer=lambda: os.kill(os.getpid(), number))
    assert code == 0
    assert probe.ended
    assert signal.getsignal(number) is before


class Stuck:
    """Threads that never end; how long they are waited for is written down and takes no time."""

    def __init__(self):
        self.story = []
        self.waited = 0.0

    def halt(self):
        self.story.append('told')

    def stop(self, timeout):
        self.story.append('waited for')
        self.waited += timeout
        return False


class HeldUp(ManagedNode[NodeParameters]):
    """A node whose thread is stuck, and whose clock is what it is waited for."""

    def __init__(self, name, stuck, **arguments):
        self._stuck = stuck
        super().__init__(name, NodeParameters, **arguments)

    def _now(self):
        return self._stuck.waited

    def _threads(self):
        return (self._stuck,)

    def _end(self):
        self._stop(self._stuck)


def test_nodes_that_are_all_held_up_are_told_first_and_waited_for_together():
    context, stuck = Context(), Stuck()
    context.init(None, domain_id=DOMAIN)
    try:
        with NodeHost([HeldUp(f'node{i}', stuck, context=context) for i in range(3)], context):
            pass
    finally:
        context.try_shutdown()
    assert stuck.story == ['told'] * 3 + ['waited for'] * 3
    assert END_WITHIN <= stuck.waited < 2.0


def test_a_signal_during_the_start_is_not_lost():
    code, (probe,) = run(on_load=lambda: os.kill(os.getpid(), signal.SIGTERM))
    assert code == 0
    assert probe.ended


def test_what_cannot_start_is_an_error_with_exit_code_1(capfd):
    code, _ = run(on_load=lambda: fail(ModelError('no model in /nowhere')))
    assert code == 1
    shown = capfd.readouterr().err
    assert 'no model in /nowhere' in shown
    assert 'Traceback' not in shown


def test_a_parameter_out_of_bounds_is_an_error_with_exit_code_1(capfd):
    code, _ = run('--ros-args', '-p', 'latency_limit_ms:=-1.0')
    assert code == 1
    assert 'latency_limit_ms' in capfd.readouterr().err


def test_a_callback_that_raises_is_logged_with_its_traceback_and_ends_nothing(capfd):
    calls = []

    def callback():
        calls.append(1)
        if len(calls) == 3:
            os.kill(os.getpid(), signal.SIGTERM)
        fail(ZeroDivisionError('a defect'))

    code, (probe,) = run(on_timer=callback)
    assert code == 0
    assert probe.errors.total >= 2
    shown = capfd.readouterr().err
    assert shown.count('Traceback') == 1
    assert 'ZeroDivisionError: a defect' in shown


@pytest.mark.parametrize(
    'arguments', [('--ros-args', '--odd'), ('--ros-args', '--params-file', '/nowhere.yaml')]
)
def test_ros_arguments_that_cannot_be_are_told_in_one_line_with_exit_code_2(arguments, capfd):
    code, made = run(*arguments)
    assert (code, made) == (2, [])
    shown = capfd.readouterr().err
    assert arguments[-1] in shown
    assert shown.count('\n') == 1


def test_an_environment_that_ros_does_not_take_is_told_in_one_line_with_exit_code_2(
    monkeypatch, capfd
):
    monkeypatch.setenv('ROS_DOMAIN_ID', 'abc')
    code, made = run()
    assert (code, made) == (2, [])
    shown = capfd.readouterr().err
    assert 'ROS cannot be initialised: failed to initialize rcl: ROS_DOMAIN_ID' in shown
    assert shown.count('\n') == 1


def test_an_unknown_option_is_a_wrong_usage(capsys):
    with pytest.raises(SystemExit) as ended:
        run('--odd')
    assert ended.value.code == 2
    assert '--odd' in capsys.readouterr().err


def test_help_lists_each_parameter_once_with_default_and_unit(capsys):
    with pytest.raises(SystemExit) as ended:
        run_nodes('perception', TABLES, tuple, ['perception', '--help'])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert shown.count('  autostart (True)') == 1
    assert '  source_rate (0.0): frames per second at which a file is played' in shown
    assert '0 for its own [Hz]' in shown
    assert CameraParameters().frame_id in shown
