"""A robot of processes for every test: they end with it."""

import importlib

import pytest


@pytest.fixture
def robot(tmp_path):
    """Return a function that makes a robot whose user has set some variables."""
    pytest.importorskip('rclpy')
    processes = importlib.import_module('robot_processes')
    if processes.find_executable('perception') is None:
        pytest.skip('the executables are not installed')
    made = []

    def make(**of_the_user):
        made.append(processes.Robot(tmp_path, **of_the_user))
        return made[-1]

    yield make
    for each in made:
        each.close()
