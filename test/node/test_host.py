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

"""Nodes in a process: exit codes, signals, errors in one line, and memory that is kept."""

import os
import platform
import signal
import threading

from lifecycle_msgs.srv import GetState
import pytest
from rcl_interfaces.msg import Parameter as ParameterMsg
from rcl_interfaces.msg import ParameterValue
from rcl_interfaces.srv import SetParameters
import rclpy
from rclpy.context import Context
from ros_bench import DOMAIN
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.nodes.base import ManagedNode
from rtcnn_perception.nodes.camera_node import CameraNode
from rtcnn_perception.nodes.host import END_WITHIN
from rtcnn_perception.nodes.host import keep_freed_memory
from rtcnn_perception.nodes.host import NodeHost
from rtcnn_perception.nodes.host import run_nodes
from rtcnn_perception.nodes.parameters import TABLES
from rtcnn_perception.nodes.parameters.camera import CameraParameters
from rtcnn_perception.nodes.parameters.node import NodeParameters
from rtcnn_perception.process import END_SIGNALS
from std_msgs.msg import Header


@pytest.fixture(autouse=True)
def _own_domain(monkeypatch):
    monkeypatch.setenv('ROS_DOMAIN_ID', str(DOMAIN))


class TimedNode(ManagedNode[NodeParameters]):
    """A node that calls a function from a timer, or when it is configured."""

    def __init__(self, *, on_timer=None, on_configuration=None):
        super().__init__('probe', NodeParameters)
        self._on_configuration = on_configuration
        self.is_deactivated = False
        if on_timer is not None:
            self.create_timer(0.01, on_timer)

    def _configure(self):
        if self._on_configuration is not None:
            self._on_configuration()

    def _deactivate(self):
        self.is_deactivated = True


def run(*arguments, **behaviour):
    """Run a node as a process would; return the exit code and the nodes."""
    made = []

    def make():
        made.append(TimedNode(**behaviour))
        return made

    code = run_nodes('probe_node', (NodeParameters,), make, ['probe_node', *arguments])
    return code, made


def fail(error):
    raise error


@pytest.mark.parametrize('number', END_SIGNALS)
def test_a_signal_deactivates_the_node_and_ends_the_process_with_exit_code_0(number):
    before = signal.getsignal(number)
    code, (node,) = run(on_timer=lambda: os.kill(os.getpid(), number))
    assert code == 0
    assert node.is_deactivated
    assert signal.getsignal(number) is before


class BlockedThread:
    """A thread that never ends; waiting for it is recorded and takes no time."""

    def __init__(self):
        self.calls = []
        self.waited = 0.0

    def halt(self):
        self.calls.append('halt')

    def stop(self, timeout):
        self.calls.append('stop')
        self.waited += timeout
        return False


class BlockedNode(ManagedNode[NodeParameters]):
    """A node with a blocked thread, whose clock is the time for which that was waited for."""

    def __init__(self, name, thread, **arguments):
        self._blocked = thread
        super().__init__(name, NodeParameters, **arguments)

    def _now(self):
        return self._blocked.waited

    def _threads(self):
        return () if self.state == 'activating' else (self._blocked,)  # it starts then


def test_nodes_with_blocked_threads_are_all_halted_first_and_waited_for_together():
    context, thread = Context(), BlockedThread()
    context.init(None, domain_id=DOMAIN)
    nodes = [BlockedNode(f'node{index}', thread, context=context) for index in range(3)]
    warnings = []
    for node in nodes:
        node.get_logger().warning = warnings.append
    try:
        with NodeHost(nodes, context):
            pass
    finally:
        context.try_shutdown()
    assert thread.calls == ['halt'] * 3 + ['stop'] * 3
    assert END_WITHIN <= thread.waited < 2.0
    assert len([each for each in warnings if 'a thread is blocked by a call' in each]) == 3


def test_a_signal_during_the_start_is_not_lost():
    code, (node,) = run(on_configuration=lambda: os.kill(os.getpid(), signal.SIGTERM))
    assert code == 0
    assert node.is_deactivated


def test_a_node_that_cannot_start_is_an_error_with_exit_code_1(capfd):
    code, _ = run(on_configuration=lambda: fail(ModelError('no model in /nowhere')))
    assert code == 1
    printed = capfd.readouterr().err
    assert 'no model in /nowhere' in printed
    assert 'Traceback' not in printed


def test_a_parameter_out_of_bounds_is_an_error_with_exit_code_1(capfd):
    code, _ = run('--ros-args', '-p', 'latency_limit_ms:=-1.0')
    assert code == 1
    assert 'latency_limit_ms' in capfd.readouterr().err


def by_timer(node, fail):
    node.create_timer(0.01, fail)


def by_message(node, fail):
    node.create_subscription(Header, 'odd', fail, 1)
    publisher = node.create_publisher(Header, 'odd', 1)
    node.create_timer(0.01, lambda: publisher.publish(Header()))


def by_service(node, fail):
    node.create_service(GetState, 'odd', fail)
    client = node.create_client(GetState, 'odd')
    node.create_timer(0.01, lambda: client.call_async(GetState.Request()))


def by_parameter(node, fail):
    node.add_on_set_parameters_callback(fail)
    client = node.create_client(SetParameters, 'probe/set_parameters')
    given = ParameterMsg(name='latency_limit_ms', value=ParameterValue(type=3, double_value=9.0))
    node.create_timer(0.01, lambda: client.call_async(SetParameters.Request(parameters=[given])))


class DefectNode(ManagedNode[NodeParameters]):
    """A node with a callback that raises, and ends the process at its third call."""

    def __init__(self, arrange):
        super().__init__('probe', NodeParameters)
        self._calls = 0
        arrange(self, self._fail)

    def _fail(self, *_):
        self._calls += 1
        if self._calls == 3:
            os.kill(os.getpid(), signal.SIGTERM)
        raise ZeroDivisionError('a defect')


@pytest.mark.parametrize('arrange', [by_timer, by_message, by_service, by_parameter])
def test_a_callback_that_raises_is_logged_with_its_traceback_and_ends_nothing(capfd, arrange):
    made = []

    def make():
        made.append(DefectNode(arrange))
        return made

    assert run_nodes('probe_node', (NodeParameters,), make, ['probe_node']) == 0
    assert made[0].errors.total >= 2
    printed = capfd.readouterr().err
    assert printed.count('Traceback') == 1
    assert 'ZeroDivisionError: a defect' in printed


def test_a_section_of_a_parameter_file_for_a_former_name_is_reported(capfd, tmp_path):
    path = tmp_path / 'old.yaml'
    path.write_text('/camera:\n  ros__parameters: {source: builtin}\n')

    def make():
        node = CameraNode()
        node.create_timer(0.01, lambda: os.kill(os.getpid(), signal.SIGTERM))
        return [node]

    arguments = ['camera_node', '--ros-args', '--params-file', str(path)]
    assert run_nodes('camera_node', (CameraParameters,), make, arguments) == 0
    printed = capfd.readouterr().err
    assert printed.count('rename it to /faces_camera') == 1


@pytest.mark.parametrize(
    'arguments', [('--ros-args', '--odd'), ('--ros-args', '--params-file', '/nowhere.yaml')]
)
def test_wrong_ros_arguments_are_reported_in_one_line_with_exit_code_2(arguments, capfd):
    code, made = run(*arguments)
    assert (code, made) == (2, [])
    printed = capfd.readouterr().err
    assert arguments[-1] in printed
    assert printed.count('\n') == 1


def test_a_pipe_is_no_parameter_file(tmp_path, capfd):
    os.mkfifo(tmp_path / 'pipe')
    assert run('--ros-args', '--params-file', str(tmp_path / 'pipe')) == (2, [])
    assert 'pipe: it is a pipe (FIFO) and no file' in capfd.readouterr().err


def test_an_environment_that_ros_refuses_is_reported_in_one_line_with_exit_code_2(
    monkeypatch, capfd
):
    monkeypatch.setenv('ROS_DOMAIN_ID', 'abc')
    code, made = run()
    assert (code, made) == (2, [])
    printed = capfd.readouterr().err
    assert 'ROS cannot be initialised: failed to initialize rcl: ROS_DOMAIN_ID' in printed
    assert printed.count('\n') == 1


@pytest.mark.parametrize(
    ('reason', 'is_of_logs'),
    [
        ('Failed opening file /x/python_3_4.log for writing: Permission denied', True),
        ("Failed to create log directory '/proc/x': 2", True),
        ('Failed to parse the file /x/a.login.yaml', False),
    ],
)
def test_a_log_folder_that_cannot_be_written_to_is_reported_with_what_names_another(
    monkeypatch, capfd, reason, is_of_logs
):
    def refusing(**_options):
        raise RuntimeError(reason)

    monkeypatch.setattr(rclpy, 'init', refusing)
    assert run() == (2, [])
    printed = capfd.readouterr().err
    assert reason in printed
    assert ('ROS_LOG_DIR names another folder' in printed) == is_of_logs
    assert printed.count('\n') == 1


def test_a_defect_while_ros_begins_keeps_its_traceback(monkeypatch):
    def failing(**_options):
        raise NotImplementedError('a defect')

    monkeypatch.setattr(rclpy, 'init', failing)
    with pytest.raises(NotImplementedError, match='a defect'):
        run()


def test_unknown_ros_arguments_are_named(capfd):
    assert run('--ros-args', '--bad') == (2, [])
    assert "ROS does not know the arguments ['--bad']" in capfd.readouterr().err


def test_an_unknown_option_is_a_usage_error(capsys):
    with pytest.raises(SystemExit) as ended:
        run('--odd')
    assert ended.value.code == 2
    assert '--odd' in capsys.readouterr().err


def test_help_lists_each_parameter_once_with_default_and_unit(capsys):
    with pytest.raises(SystemExit) as ended:
        run_nodes('perception', TABLES, tuple, ['perception', '--help'])
    assert ended.value.code == 0
    printed = capsys.readouterr().out
    assert printed.count('  autostart (true)') == 1
    assert '  source_rate (0.0): frame rate at which a file is played' in printed
    assert '0 for its own [Hz]' in printed
    assert printed.count(': attributes to classify') == 1
    assert "  <attribute>.model_path (''): model of one of the attributes" in printed
    assert CameraParameters().frame_id in printed


def test_a_callback_that_does_not_return_is_not_waited_for(monkeypatch):
    monkeypatch.setattr('rtcnn_perception.nodes.host.END_WITHIN', 0.01)
    is_called, may_return = threading.Event(), threading.Event()
    context = Context()
    context.init(None, domain_id=DOMAIN)
    node = BlockedNode('node', BlockedThread(), context=context)
    warnings = []
    node.get_logger().warning = warnings.append
    node.create_timer(0.01, lambda: is_called.set() or may_return.wait())
    host = NodeHost([node], context)
    with host:
        is_called.wait()
    may_return.set()
    host.wait()
    context.try_shutdown()
    assert ['a callback is blocked' in each for each in warnings] == [True]


def test_a_context_that_is_shut_down_ends_the_nodes():
    context = Context()
    context.init(None, domain_id=DOMAIN)
    thread = BlockedThread()
    with NodeHost([BlockedNode('node', thread, context=context)], context) as host:
        assert not host.wait(0.0)
        threading.Timer(0.05, context.shutdown).start()
        assert host.wait(END_WITHIN * 50)


def test_the_gnu_c_library_keeps_freed_memory_and_others_are_left_alone():
    assert keep_freed_memory() == (platform.libc_ver()[0] == 'glibc')
