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

"""How to install a module that is missing."""

from __future__ import annotations

from collections.abc import Mapping

HINTS: Mapping[str, str] = {
    **dict.fromkeys(
        (
            'builtin_interfaces',
            'diagnostic_msgs',
            'geometry_msgs',
            'lifecycle_msgs',
            'rcl_interfaces',
            'rclpy',
            'sensor_msgs',
            'std_msgs',
        ),
        'source ROS 2 first (. /opt/ros/<distribution>/setup.sh), or use the environment that '
        '`make run` makes',
    ),
    **dict.fromkeys(
        ('torch', 'onnx', 'h5py', 'tensorboard', 'tqdm', 'tomli'),
        "this needs the training extra; in the clone of the package: pip install '.[training]'",
    ),
    'cv2': "pip install 'opencv-python-headless<5', or apt install python3-opencv",
    'numpy': 'pip install numpy, or apt install python3-numpy',
    'onnxruntime': 'pip install onnxruntime',
    'scipy': 'pip install scipy, or apt install python3-scipy',
    'simplejpeg': 'pip install simplejpeg',
    'rtcnn_perception.msg': 'the messages are not built: use colcon build, or pip install',
}
"""How to install a module, by its name."""


def install_hint(error: ModuleNotFoundError) -> str | None:
    """Return in one line what is missing and how to install it; None for an unknown module."""
    module = error.name or ''
    hint = HINTS.get(module) or HINTS.get(module.partition('.')[0])
    return hint and f'{module} is not installed: {hint}'
