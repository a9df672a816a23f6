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

"""The entry points of the executables: a signal may come before the nodes are imported."""

import os
import signal
import subprocess
import sys

from executables import END_WITHIN
from executables import find_executable
import pytest
from ros_bench import DOMAIN
from rtcnn_perception.nodes import entry
from rtcnn_perception.process import END_SIGNALS

SIGNALS_ITSELF = """
import os
import sys


class SignalOnImport:
    # Asked for every module before it is imported.

    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), {number})
        elif name == 'rclpy':
            os._exit(77)


sys.meta_path.insert(0, SignalOnImport())
"""
"""Python runs sitecustomize before a program: this one sends a signal as the imports begin."""


@pytest.mark.parametrize('number', END_SIGNALS, ids=lambda each: each.name)
@pytest.mark.parametrize('name', ['camera_node', 'detector_node', 'classifier_node', 'perception'])
def test_a_signal_before_the_nodes_are_imported_ends_with_exit_code_0_and_no_output(
    tmp_path, name, number
):
    executable = find_executable(name)
    if executable is None:
        pytest.skip(f'{name} is not installed')
    module = f'rtcnn_perception.nodes.{name}'
    text = SIGNALS_ITSELF.format(module=module, number=int(number))
    (tmp_path / 'sitecustomize.py').write_text(text)
    paths = os.pathsep.join([str(tmp_path), os.environ.get('PYTHONPATH', '')])
    ended = subprocess.run(
        [str(executable)],
        env={**os.environ, 'PYTHONPATH': paths},
        capture_output=True,
        timeout=END_WITHIN,
        check=False,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b'', b'')


BUSY = """
import sys
import cv2
import numpy as np
from rtcnn_perception.nodes import entry
from rtcnn_perception.nodes import worker


def work_for_ever(self):
    image = np.zeros((400, 400, 3), np.uint8)
    self.stop = lambda _: False  # as after waiting, which a test need not do
    print('busy', flush=True)
    while True:
        cv2.GaussianBlur(image, (0, 0), 5)


worker.Worker._run = work_for_ever
sys.exit(entry.detector())
"""
"""A detector whose worker is always in a call of C++ and never ends."""
BLOCKED = """
import ctypes
import sys
from rtcnn_perception.nodes import camera_node
from rtcnn_perception.nodes import entry


def block():
    print('busy', flush=True)
    mutex = ctypes.create_string_buffer(64)
    for _ in range(2):
        ctypes.CDLL(None).pthread_mutex_lock(mutex)  # no signal interrupts it


camera_node.main = block
entry.process.LATEST_END = 0.1
sys.exit(entry.camera())
"""
"""A camera whose main thread is in a call that does not return, as while it opens a device."""


@pytest.mark.parametrize('number', END_SIGNALS, ids=lambda each: each.name)
@pytest.mark.parametrize('code', [BUSY, BLOCKED], ids=['worker', 'main thread'])
def test_signals_end_a_process_that_is_in_the_midst_of_a_call_with_exit_code_0(code, number):
    pytest.importorskip('rclpy')
    environment = {**os.environ, 'ROS_DOMAIN_ID': str(DOMAIN)}
    with subprocess.Popen(
        [sys.executable, '-c', code, '--ros-args', '-p', 'detector.name:=haar'],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        text=True,
    ) as process:
        try:
            assert process.stdout.readline() == 'busy\n'
            process.send_signal(number)
            process.send_signal(signal.SIGTERM)
            _, printed = process.communicate(timeout=END_WITHIN)
        finally:
            process.kill()
    assert (process.returncode, 'terminate called' in printed) == (0, False), printed


def test_the_entry_points_import_nothing_of_the_nodes():
    code = 'import sys; import rtcnn_perception.nodes.entry; print(*sys.modules)'
    loaded = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert entry.__name__ in loaded
    assert not {'rclpy', 'numpy', 'cv2', 'onnxruntime'} & set(loaded)


@pytest.mark.parametrize(
    ('absent', 'hint'),
    [
        ('onnxruntime', 'pip install onnxruntime'),
        ('rclpy', 'source ROS 2 first'),
        ('diagnostic_msgs', 'source ROS 2 first'),
        ('rtcnn_perception.msg', 'the messages are not built'),
    ],
)
def test_an_absent_module_is_reported_in_one_line_with_what_to_do(absent, hint):
    ended = run_without(absent)
    assert (ended.returncode, ended.stdout) == (1, '')
    assert ended.stderr.startswith(f'classifier_node: {absent}')
    assert f' is not installed: {hint}' in ended.stderr
    assert ended.stderr.count('\n') == 1


def test_an_absent_module_of_the_package_itself_is_a_defect():
    ended = run_without('rtcnn_perception.core.attributes.smoothing')
    assert ended.returncode == 1
    assert 'Traceback' in ended.stderr


def run_without(absent):
    """Start the classifier where a module cannot be imported."""
    pytest.importorskip('rclpy')
    code = (
        f'import sys; sys.modules[{absent!r}] = None; from rtcnn_perception.nodes import entry; '
        'sys.exit(entry.classifier())'
    )
    return subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize('name', ['camera', 'detector', 'classifier', 'perception'])
def test_each_entry_point_runs_the_main_of_its_nodes_and_leaves_with_its_exit_code(
    monkeypatch, name
):
    imported = []
    codes = []

    class Module:
        main = staticmethod(lambda: 7)

    def fake_import(module):
        imported.append(module)
        return Module

    handlers = {each: signal.getsignal(each) for each in END_SIGNALS}
    monkeypatch.setattr(entry.process, 'leave', codes.append)
    monkeypatch.setattr(entry.process, 'end_at_latest', lambda _: None)
    monkeypatch.setattr(entry.importlib, 'import_module', fake_import)
    try:
        getattr(entry, name)()
    finally:
        for each, handler in handlers.items():
            signal.signal(each, handler)
    assert codes == [7]
    suffix = '' if name == 'perception' else '_node'
    assert imported == [f'rtcnn_perception.nodes.{name}{suffix}']
