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

"""The package is built by colcon, with and without symlinks, and run from the install space."""

from pathlib import Path
import re
import signal
import subprocess
import sys

from building import clean_environment
from building import run
import pytest

pytestmark = pytest.mark.slow

EXECUTABLES = (
    *('camera_node', 'classifier_node', 'detector_node', 'humans_node'),
    *('perception', 'rtcnn_perception'),
)
DEADLINE = 60  # seconds; it takes a few


def test_ros2_run_finds_the_executables(workspace):
    folder = workspace.prefix / 'lib' / 'rtcnn_perception'
    assert sorted(path.name for path in folder.iterdir()) == sorted(EXECUTABLES)


@pytest.mark.parametrize('executable', EXECUTABLES)
def test_an_executable_shows_its_help(workspace, executable):
    path = workspace.prefix / 'lib' / 'rtcnn_perception' / executable
    assert 'usage:' in run(path, '--help', env=workspace.environment(), cwd='/')


def test_the_messages_come_from_the_install_space(workspace):
    code = (
        'import inspect\n'
        'from rtcnn_perception.msg import FaceAttributes\n'
        'FaceAttributes.__class__.__import_type_support__()\n'
        'assert FaceAttributes.__class__._TYPE_SUPPORT is not None\n'
        'print(inspect.getfile(FaceAttributes))\n'
    )
    out = run(sys.executable, '-c', code, env=workspace.environment(), cwd='/')
    assert Path(out.strip()).is_relative_to(workspace.prefix)


@pytest.mark.parametrize(
    'path',
    [
        'config/fastdds.xml',
        'config/perception.yaml',
        'launch/perception.launch.py',
        'models/attributes/model.onnx',
        'models/attributes/model_int8.onnx',
        'models/face/README.md',
        'models/face/model.json',
        'models/face/model.onnx',
        'models/face/model_int8.onnx',
        'models/face/check/model.onnx',
        'package.xml',
        'rviz/perception.rviz',
    ],
)
def test_the_share_folder_holds(workspace, path):
    assert (workspace.prefix / 'share' / 'rtcnn_perception' / path).is_file()


def test_symlinks_lead_to_the_sources(workspace):
    code = 'import rtcnn_perception.cli as it; import os; print(os.path.realpath(it.__file__))'
    out = run(sys.executable, '-c', code, env=workspace.environment(), cwd='/').strip()
    is_linked = Path(out).is_relative_to(workspace.folder / 'src')
    assert is_linked == workspace.folder.name.startswith('symlinked')


def test_the_pipeline_runs_from_the_install_space_and_ends_cleanly_on_sigint(workspace):
    command = [
        workspace.prefix / 'lib' / 'rtcnn_perception' / 'perception',
        *('--ros-args', '-p', 'faces_camera:source:=builtin'),
    ]
    watch = (
        'import rclpy\n'
        'from rtcnn_perception.msg import FaceAttributes\n'
        'rclpy.init()\n'
        'node = rclpy.create_node("watch")\n'
        'received = []\n'
        'node.create_subscription(FaceAttributes, "faces/attributes", received.append, 10)\n'
        f'for _ in range({DEADLINE * 10}):\n'
        '    rclpy.spin_once(node, timeout_sec=0.1)\n'
        '    if received: break\n'
        'names = [each.name for each in received[0].attributes]\n'
        'print(received[0].header.frame_id, *names)\n'
    )
    environment = workspace.environment()
    with subprocess.Popen(command, env=environment, cwd='/', stderr=subprocess.PIPE) as nodes:
        try:
            printed = run(sys.executable, '-c', watch, env=environment, cwd='/')
        finally:
            nodes.send_signal(signal.SIGINT)
        errors = nodes.communicate(timeout=DEADLINE)[1]
    expected = (0, 'camera_optical_frame emotion gender\n')
    assert (nodes.returncode, printed) == expected, errors


def test_a_cpp_program_finds_and_uses_the_messages(workspace):
    """It was built by colcon with the workspace, by find_package(rtcnn_perception)."""
    program = workspace.folder / 'build' / 'consumer' / 'consumer'
    environment = workspace.environment()
    libraries = [str(Path(sys.prefix) / 'lib'), environment.get('LD_LIBRARY_PATH', '')]
    environment['LD_LIBRARY_PATH'] = ':'.join(libraries)
    assert run(program, env=environment) == 'face 7: emotion happy\n'


def libraries_of(folder: Path) -> dict[Path, int]:
    """Return the libraries that CMake linked below a folder, and when."""
    paths = folder.rglob('librtcnn_perception__*.so')
    return {path: path.stat().st_mtime_ns for path in paths if 'staging' not in path.parts}


def test_a_further_overlay_does_not_build_the_messages_again(workspace, tmp_path):
    folder = workspace.folder / 'build' / 'rtcnn_perception'
    before = libraries_of(folder)
    (tmp_path / 'share' / 'another').mkdir(parents=True)
    workspace.build(workspace.prefix, tmp_path)
    assert before
    assert libraries_of(folder) == before


def test_colcon_test_runs_the_suite_and_reports_it(workspace):
    chosen = ('test/core/test_frame.py', 'test/node/test_log_text.py')
    workspace.colcon('test', '--packages-select', 'rtcnn_perception', '--pytest-args', *chosen)
    printed = workspace.colcon('test-result', '--all')
    (summary,) = re.findall(r'^Summary: (\d+) tests, 0 errors, 0 failures', printed, re.MULTILINE)
    assert int(summary) > 10, printed


@pytest.mark.parametrize('workspace', ['copied'], indirect=True)
def test_the_messages_alone_are_a_package_of_cmake(workspace):
    meta = 'src/rtcnn_perception/messages.meta'
    listed = workspace.colcon('list', '--metas', meta, '--packages-select', 'rtcnn_perception')
    assert listed.split() == ['rtcnn_perception', 'src/rtcnn_perception', '(ros.ament_cmake)']


@pytest.mark.parametrize('workspace', ['copied'], indirect=True)
def test_the_messages_alone_are_enough_to_listen(workspace, tmp_path):
    """They are built by CMake alone; the folder in which it built is at hand already."""
    (folder,) = (workspace.folder / 'build' / 'rtcnn_perception').rglob('interfaces-*')
    ros = dict.fromkeys(('AMENT_PREFIX_PATH', 'CMAKE_PREFIX_PATH'), sys.prefix)
    environment = clean_environment() | ros
    run(
        *('cmake', '-S', folder / 'source', '-B', folder / 'build'),
        *(f'-DCMAKE_INSTALL_PREFIX={tmp_path}', '-UPYTHON_INSTALL_DIR'),
        env=environment,
    )
    run('cmake', '--build', folder / 'build', '--target', 'install', env=environment)
    setup = tmp_path / 'share' / 'rtcnn_perception' / 'local_setup.sh'
    listen = (
        'from importlib.util import find_spec\n'
        'import rclpy\n'
        'from rtcnn_perception.msg import FaceAttributes\n'
        'rclpy.init()\n'
        'node = rclpy.create_node("listener")\n'
        'node.create_subscription(FaceAttributes, "faces/attributes", print, 10)\n'
        'assert find_spec("rtcnn_perception.core") is None\n'
        'print(find_spec("rtcnn_perception").origin)\n'
    )
    words = ('sh', '-c', f'. {setup} && exec "$0" -c "$1"', sys.executable, listen)
    printed = run(*words, env=environment, cwd='/')
    assert Path(printed.strip()).is_relative_to(tmp_path)
