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

"""A wheel is built, installed into an empty environment, and run."""

from pathlib import Path
import sysconfig
import zipfile

from building import run
import pytest
from rtcnn_perception import __version__

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
CARDS = sorted(ROOT.glob('models/**/model.json'))


@pytest.fixture(scope='module')
def names(wheel):
    """Return the names of the files in the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def test_the_wheel_is_for_this_python_and_platform(wheel):
    tag = f'cp{sysconfig.get_config_var("py_version_nodot")}'
    assert wheel.name.startswith(f'rtcnn_perception-{__version__}-{tag}-{tag}-linux_')


@pytest.mark.parametrize(
    'path',
    [
        'rtcnn_perception/__init__.py',
        'rtcnn_perception/py.typed',
        'rtcnn_perception/assets/astronaut.jpg',
        'rtcnn_perception/msg/_face_attributes.py',
        'share/rtcnn_perception/package.xml',
        'share/rtcnn_perception/config/perception.yaml',
        'share/rtcnn_perception/launch/perception.launch.py',
        'share/rtcnn_perception/rviz/perception.rviz',
        'share/rtcnn_perception/models/attributes/model.json',
        'share/rtcnn_perception/models/attributes/model.onnx',
        'share/rtcnn_perception/models/attributes/model_int8.onnx',
        'share/rtcnn_perception/models/face/README.md',
        'share/rtcnn_perception/models/face/model.json',
        'share/rtcnn_perception/models/face/model.onnx',
        'share/rtcnn_perception/models/face/model_int8.onnx',
        'share/rtcnn_perception/models/face/check/model_int8.onnx',
        'share/rtcnn_perception/msg/FaceAttributes.idl',
        'share/rtcnn_perception/cmake/rtcnn_perceptionConfig.cmake',
        'share/ament_index/resource_index/packages/rtcnn_perception',
        'share/ament_index/resource_index/rosidl_interfaces/rtcnn_perception',
        'lib/librtcnn_perception__rosidl_typesupport_fastrtps_cpp.so',
        'include/rtcnn_perception/rtcnn_perception/msg/face_attributes.hpp',
    ],
)
def test_the_wheel_holds(names, path):
    assert any(name == path or name.endswith(f'.data/data/{path}') for name in names)


def test_the_wheel_holds_every_model_with_a_card(names):
    cards = [f'share/rtcnn_perception/{card.relative_to(ROOT)}' for card in CARDS]
    assert len(cards) >= 3
    for card in cards:
        assert any(name.endswith(f'.data/data/{card}') for name in names), card


def test_the_wheel_leaves_out_tests_and_weights_of_others(names):
    assert [name for name in names if '/test' in f'/{name}' or 'yunet_2023mar' in name] == []


def test_the_messages_come_from_the_wheel(empty_environment):
    python = empty_environment / 'bin' / 'python'
    code = 'import rtcnn_perception.msg as it; print(it.__file__)'
    assert Path(run(python, '-c', code, cwd='/')).is_relative_to(empty_environment)


def test_the_command_knows_its_version(empty_environment):
    command = empty_environment / 'bin' / 'rtcnn_perception'
    assert run(command, '--version', cwd='/') == f'rtcnn_perception {__version__}\n'


def test_the_pipeline_runs_from_the_wheel(empty_environment, tmp_path):
    command = empty_environment / 'bin' / 'rtcnn_perception'
    out = run(command, 'run', '--duration', '2', cwd=tmp_path)
    assert 'p95' in out
    assert {path.name for path in (tmp_path / 'out').iterdir()} == {
        'annotated.mkv',
        'annotated.png',
    }
