"""What to do where a module is absent that an installation was to bring."""

from __future__ import annotations

from collections.abc import Mapping

REMEDIES: Mapping[str, str] = {
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
    'rtcnn_perception.msg': 'the messages are not built: use colcon build, or pip install',
}
"""What to do where a module is absent, by the module."""


def remedy(error: ModuleNotFoundError) -> str | None:
    """Say in one line what is absent and what to do; None for what is not known here."""
    module = error.name or ''
    told = REMEDIES.get(module) or REMEDIES.get(module.partition('.')[0])
    return told and f'{module} is not installed: {told}'
