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
Collect the tests wherever the package is tested: with ROS and without, with PyTorch and without.

A test module imports what it needs as any module does. Where that is not installed, the module is
skipped. launch_testing, which every installation of ROS has, brings a plugin that imports a module
of tests before pytest does; a module that cannot be imported would end the session there.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

LAUNCH_TESTS = Path(__file__).parent / 'launch'

ROS = {
    'ament_index_python',
    'builtin_interfaces',
    'diagnostic_msgs',
    'geometry_msgs',
    'lifecycle_msgs',
    'rcl_interfaces',
    'rclpy',
    'rtcnn_perception.msg',
    'rtcnn_perception.srv',
    'sensor_msgs',
    'std_msgs',
}
"""What there is with rclpy, or not at all: with rclpy each of them is a dependency."""

OPTIONAL = {'h5py', 'onnx', 'tensorboard', 'torch'}


class TestModule(pytest.Module):
    """A module of tests that is skipped where it imports what is optional and not installed."""

    def collect(self):
        if LAUNCH_TESTS in self.path.parents:
            pytest.skip('launch_testing is not installed')
        try:
            return super().collect()
        except self.CollectError as error:
            cause = error.__cause__
            if not isinstance(cause, ModuleNotFoundError):
                raise
            if cause.name in OPTIONAL or (cause.name in ROS and find_spec('rclpy') is None):
                pytest.skip(f'{cause.name} is not installed')
            raise


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makemodule(module_path, parent):
    """Collect a module, but leave the launch tests to launch_testing where it is installed."""
    if LAUNCH_TESTS in module_path.parents and find_spec('launch_testing'):
        return None
    return TestModule.from_parent(parent, path=module_path)
