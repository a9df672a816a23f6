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

"""
A stand-in for a robot's installation, as a plugin of pytest: no PyTorch, and launch_testing.

launch_testing is not on the package index. Its plugin imports each module of tests before pytest
does, by its base name: ``find_launch_test_entrypoint`` in https://github.com/ros2/launch,
launch_testing/launch_testing/pytest/hooks.py, branch jazzy.
"""

from importlib.machinery import PathFinder

from _pytest.pathlib import import_path
import pytest

ABSENT = ('h5py', 'onnx', 'tensorboard', 'torch')


def pytest_configure():
    """Hide what is absent."""
    find = PathFinder.find_spec

    def find_spec(name, path=None, target=None):
        return None if name.partition('.')[0] in ABSENT else find(name, path, target)

    PathFinder.find_spec = find_spec


def pytest_pycollect_makemodule(module_path, parent):
    """Import a module of tests, and collect it."""
    import_path(module_path, root=None, consider_namespace_packages=False)
    return pytest.Module.from_parent(parent, path=module_path)
