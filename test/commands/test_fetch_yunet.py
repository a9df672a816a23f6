from __future__ import annotations

import argparse
import hashlib
import sys

import pytest
from rtcnn_perception.commands import fetch_yunet
from rtcnn_perception.core.models import files as yunet_file
from rtcnn_perception.core.models.files import yunet_path
from rtcnn_perception.exceptions import ModelError

CONTENT = b'stands for the file'


@pytest.fixture(autouse=True)
def _small_file(monkeypatch):
    monkeypatch.setattr(yunet_file, 'YUNET_SHA256', hashlib.sha256(CONTENT).hexdigest())


@pytest.fixture
def source(tmp_path):
    path = tmp_path / 'copy'
    path.write_bytes(CONTENT)
    return path


def execute(*words):
    parser = argparse.ArgumentParser()
    fetch_yunet.configure(parser)
    return fetch_yunet.execute(parser.parse_args([str(word) for word in words]))


def test_a_copy_goes_to_the_place_of_the_user_where_auto_looks(
    source, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv('XDG_DATA_HOME', str(tmp_path / 'data'))
    assert execute('--from', source) == 0
    target = yunet_path(tmp_path / 'data' / 'rtcnn_perception' / 'models')
    assert target.read_bytes() == CONTENT
    assert str(target) in capsys.readouterr().out


def test_a_copy_goes_to_the_folder_that_is_named(source, tmp_path):
    assert execute('--from', source, '--to', tmp_path / 'models') == 0
    assert yunet_path(tmp_path / 'models').is_file()


def test_another_file_is_an_error_and_not_installed(tmp_path):
    other = tmp_path / 'other'
    other.write_bytes(b'other')
    with pytest.raises(ModelError, match='sha256'):
        execute('--from', other, '--to', tmp_path / 'models')
    assert not (tmp_path / 'models').exists()


@pytest.mark.parametrize('is_terminal', [False, True])
def test_progress_is_shown_on_a_terminal_alone(tmp_path, monkeypatch, capsys, is_terminal):
    asked = []

    def fetch(target, url, progress=None):
        asked.append((target, url))
        if progress is not None:
            progress(yunet_file.YUNET_SIZE // 2, yunet_file.YUNET_SIZE)
            progress(yunet_file.YUNET_SIZE, yunet_file.YUNET_SIZE)

    monkeypatch.setattr(fetch_yunet, 'fetch_yunet', fetch)
    monkeypatch.setattr(sys.stderr, 'isatty', lambda: is_terminal, raising=False)
    assert execute('--url', 'http://127.0.0.1/x', '--to', tmp_path) == 0
    assert asked == [(yunet_path(tmp_path), 'http://127.0.0.1/x')]
    shown = capsys.readouterr().err
    assert ('[############............] 113 of 227 KiB' in shown) == is_terminal
    assert shown.endswith('227 of 227 KiB\n') == is_terminal


def test_it_says_where_the_file_is_of_no_use(source, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(fetch_yunet, 'why_opencv_cannot_run_yunet', lambda: 'OpenCV is too old')
    assert execute('--from', source, '--to', tmp_path) == 0
    assert 'OpenCV is too old: the detector yunet cannot run here' in capsys.readouterr().out


def test_a_copy_and_an_address_together_are_wrong_usage(source):
    with pytest.raises(SystemExit, match='2'):
        execute('--from', source, '--url', 'http://127.0.0.1/x')
