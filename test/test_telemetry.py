"""onnxruntime reports its use unless it is told not to; every way into the package tells it."""

import os
from pathlib import Path
import subprocess
import sys

import pytest
from rtcnn_perception.resources import models_directory

SESSION = f"""
from rtcnn_perception.core.attributes.model import FaceModel
FaceModel.load(__import__('pathlib').Path({str(models_directory() / 'gender')!r}))
"""
WAYS = {
    'core': ['-c', SESSION],
    'command line': [
        '-m',
        'rtcnn_perception.cli',
        'explain',
        str(Path(__file__).parent.parent / 'rtcnn_perception/assets/astronaut.jpg'),
    ],
    'by child process': [
        '-c',
        'import subprocess, sys, rtcnn_perception\n'
        f'subprocess.run([sys.executable, "-c", {SESSION!r}], check=True)',
    ],
}


def run_at_home(home, arguments, **variables):
    """Run Python where HOME is an empty folder, and return what lies there afterwards."""
    home.mkdir()
    environment = {k: v for k, v in os.environ.items() if k != 'ORT_DISABLE_TELEMETRY'}
    for name in ('XDG_CACHE_HOME', 'XDG_CONFIG_HOME', 'XDG_DATA_HOME'):
        environment.pop(name, None)
    subprocess.run(
        [sys.executable, *arguments],
        env={**environment, 'HOME': str(home), **variables},
        cwd=home.parent,
        check=True,
        capture_output=True,
    )
    return [str(each.relative_to(home)) for each in home.rglob('*')]


@pytest.mark.parametrize('way', list(WAYS))
def test_no_way_into_the_package_leaves_anything_at_home(tmp_path, way):
    assert run_at_home(tmp_path / 'home', WAYS[way]) == []


def test_what_the_user_has_set_stays():
    told = 'import os, rtcnn_perception; print(os.environ["ORT_DISABLE_TELEMETRY"])'
    for value in ('0', ''):
        shown = subprocess.run(
            [sys.executable, '-c', told],
            env={**os.environ, 'ORT_DISABLE_TELEMETRY': value},
            check=True,
            capture_output=True,
            text=True,
        )
        assert shown.stdout == f'{value}\n'
