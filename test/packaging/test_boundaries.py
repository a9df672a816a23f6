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

"""The imports that are allowed: nodes -> core <- training, and only commands import the nodes."""

import ast
from pathlib import Path
import sys
from xml.etree import ElementTree as ET

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / 'rtcnn_perception'

# The siblings that each part may import. Modules at the top of the package may be used by all.
SIBLINGS = {
    'core': set(),
    'nodes': {'core'},
    'saliency': {'core'},
    'training': {'core', 'saliency'},
    'commands': {'core', 'nodes', 'saliency', 'training'},
}

# The parts that may import these modules.
ROS = {'nodes', 'commands'}
FRAMEWORK = {'training', 'commands'}
MESSAGES = {
    'builtin_interfaces',
    'diagnostic_msgs',
    'geometry_msgs',
    'lifecycle_msgs',
    'rcl_interfaces',
    'sensor_msgs',
    'std_msgs',
    'tf2_msgs',
    'vision_msgs',
    'visualization_msgs',
}
# Imported only where the output of a parameter asks for it; not every distribution has it.
OPTIONAL = {'hri_msgs'}
ONLY_IN = {
    **dict.fromkeys(['rclpy', *MESSAGES, *OPTIONAL], ROS),
    'rtcnn_perception.msg': {'', *ROS},  # ``consumer`` names their types
    **dict.fromkeys(['torch', 'h5py', 'tensorboard', 'tqdm'], FRAMEWORK),
    'onnx': {'saliency', *FRAMEWORK},
}

# The key in package.xml of each module that is imported.
KEYS = {
    'cv2': 'python3-opencv',
    'numpy': 'python3-numpy',
    'onnxruntime': 'python3-onnxruntime-pip',
    'scipy': 'python3-scipy',
    'simplejpeg': 'python3-simplejpeg-pip',
    'launch': 'launch',
    'launch_ros': 'launch_ros',
    'rclpy': 'rclpy',
    'yaml': 'python3-yaml',
    **{name: name for name in MESSAGES},
}

# Declared, though no module of the package imports it.
NOT_IMPORTED = {'ros2launch', 'rosidl_default_runtime'}

# Parts that need an extra, which pip installs and no rosdep key has.
WITH_EXTRAS = {'saliency', 'training'}


def imported(path: Path) -> set[str]:
    """Return every module a file imports, at its top or later."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f'{path} imports relatively'
            assert node.module is not None
            found |= {node.module, *(f'{node.module}.{alias.name}' for alias in node.names)}
    return found


def part_of(path: Path) -> str:
    """Return the folder of the package a file is in; '' at its top."""
    return path.relative_to(PACKAGE).parts[0] if path.parent != PACKAGE else ''


FILES = sorted(PACKAGE.rglob('*.py'))


def test_every_folder_has_a_rule():
    assert {part_of(path) for path in FILES} <= {'', *SIBLINGS}


@pytest.mark.parametrize('part', SIBLINGS)
def test_a_part_imports_only_the_siblings_it_may(part):
    siblings = {f'rtcnn_perception.{name}': name for name in SIBLINGS}
    wrong = {
        f'{path.relative_to(ROOT)} imports {name}'
        for path in FILES
        if part_of(path) == part
        for name in imported(path)
        for start, sibling in siblings.items()
        if f'{name}.'.startswith(f'{start}.') and sibling not in SIBLINGS[part] | {part}
    }
    assert wrong == set()


@pytest.mark.parametrize('module', ONLY_IN)
def test_a_module_is_imported_only_where_it_may_be(module):
    wrong = {
        str(path.relative_to(ROOT))
        for path in FILES
        if part_of(path) not in ONLY_IN[module]
        and any(f'{name}.'.startswith(f'{module}.') for name in imported(path))
    }
    assert wrong == set()


def test_the_top_of_the_package_imports_no_part_of_it():
    wrong = {
        f'{path.name} imports {name}'
        for path in FILES
        if part_of(path) == ''
        for name in imported(path)
        if any(name.startswith(f'rtcnn_perception.{part}') for part in SIBLINGS)
    }
    assert wrong == set()


def test_package_xml_declares_the_imported_modules_and_no_others():
    paths = [path for path in FILES if part_of(path) not in WITH_EXTRAS]
    paths += (ROOT / 'launch').glob('*.py')
    modules = {name.partition('.')[0] for path in paths for name in imported(path)}
    modules -= {*sys.stdlib_module_names, 'rtcnn_perception', 'torch', *OPTIONAL}
    assert modules <= set(KEYS), 'a further dependency: give it a key, and a reason'
    manifest = ET.parse(ROOT / 'package.xml')
    tags = ('depend', 'exec_depend')
    declared = {entry.text for tag in tags for entry in manifest.iter(tag)}
    assert declared - NOT_IMPORTED == {KEYS[module] for module in modules}
