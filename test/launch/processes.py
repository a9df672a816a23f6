"""Executables of the package as processes, on a network of the test's own."""

import contextlib
import os
from pathlib import Path
import signal
import subprocess
import sys

DOMAIN = 10 + os.getpid() % 90
"""Domains up to 101 keep clear of the ports that Linux gives to anybody."""

DEADLINE = 60.0
"""Seconds for what takes a few: only a failure takes longer."""

ENVIRONMENT = {
    'ROS_DOMAIN_ID': str(DOMAIN),
    'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST',
}

PARAMETERS = """
/**/classifier:
  ros__parameters:
    emotion: {{model_path: '{models}/emotion'}}
    gender: {{model_path: '{models}/gender'}}
/**/detector:
  ros__parameters:
    detector: {{name: haar, width: 320}}
"""
"""What the tests change: networks of a few weights, and a detector that is always there."""


def find_executable(name: str) -> Path | None:
    """Find an executable as pip installs it, or as ``ros2 run`` would; None if it is nowhere."""
    prefixes = os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep)
    places = [Path(sys.executable).parent / name]
    places += [Path(prefix, 'lib', 'rtcnn_perception', name) for prefix in prefixes if prefix]
    return next((place for place in places if place.is_file()), None)


@contextlib.contextmanager
def running(executable: Path, *ros_arguments: str):
    """Run an executable while the block runs; it is told to stop after it."""
    with subprocess.Popen(
        [str(executable), '--ros-args', *ros_arguments],
        env=os.environ | ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            try:
                process.wait(DEADLINE)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
