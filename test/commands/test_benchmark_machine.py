import os

import pytest
from rtcnn_perception.commands.benchmark import machine


@pytest.mark.parametrize(
    ('version', 'expected'), [('3.3.16', 'humble'), ('7.1.6', 'jazzy'), ('99.0', 'not named')]
)
def test_a_distribution_without_its_variable_is_known_by_its_rclpy(monkeypatch, version, expected):
    monkeypatch.delenv('ROS_DISTRO', raising=False)
    monkeypatch.setattr(machine.metadata, 'version', lambda _: version)
    assert machine.describe()['ROS distribution'] == expected
    monkeypatch.setenv('ROS_DISTRO', 'rolling')
    assert machine.describe()['ROS distribution'] == 'rolling'


def test_memory_and_processor_time_of_a_process_are_read():
    assert 5 < machine.resident_mb(os.getpid()) < 5000
    assert machine.cpu_seconds(os.getpid()) > 0
