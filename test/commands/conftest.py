"""What the tests of the commands share: a ROS of their own, and where the research data lies."""

import os
from pathlib import Path

import pytest

DOMAIN = 10 + os.getpid() % 90
"""Domains up to 101 keep clear of the ports that Linux gives to anybody."""


@pytest.fixture
def own_ros(monkeypatch):
    """Keep what the test starts to itself, also in its child processes."""
    pytest.importorskip('rclpy')
    monkeypatch.setenv('ROS_DOMAIN_ID', str(DOMAIN))
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    monkeypatch.delenv('ROS_LOCALHOST_ONLY', raising=False)
    # What a command names to Fast DDS is not to reach the tests that follow.
    for name in ('FASTDDS_DEFAULT_PROFILES_FILE', 'FASTRTPS_DEFAULT_PROFILES_FILE'):
        monkeypatch.setenv(name, '')
        monkeypatch.delenv(name)


@pytest.fixture(scope='session')
def data() -> Path:
    """Return the folder of the research data, or skip the test."""
    beside = Path(__file__).resolve().parents[2].parent / 'shared' / 'data'
    folder = Path(os.environ.get('RTCNN_DATA') or beside)
    if not folder.is_dir():
        pytest.skip(f'the research data is not at {folder}; RTCNN_DATA may say where it is')
    return folder


@pytest.fixture(scope='session')
def yunet(data) -> Path:
    """Return the file of YuNet that comes with the research data, or skip the test."""
    baselines = Path(os.environ.get('RTCNN_BASELINES') or data.parent / 'baselines')
    path = baselines / 'yunet' / 'face_detection_yunet_2023mar.onnx'
    if not path.is_file():
        pytest.skip(f'there is no YuNet at {path}; RTCNN_BASELINES may say where it is')
    return path
