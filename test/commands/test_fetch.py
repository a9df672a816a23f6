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

from __future__ import annotations

import argparse
from dataclasses import replace
import hashlib
from pathlib import Path
import sys

from own_detector import ROW
import pytest
from rtcnn_perception.commands import fetch
from rtcnn_perception.core.detection.registry import DETECTORS
from rtcnn_perception.core.models.files import PublishedFile
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.exceptions import ModelError

CONTENT = b'a model of two lines\nin a test'
FILE = PublishedFile(
    path=Path('bright') / 'published.level',
    sha256=hashlib.sha256(CONTENT).hexdigest(),
    size=227 * 1024,
    url='http://127.0.0.1/published.level',
    origin='a test, no licence',
    advice='copy it',
)


@pytest.fixture(autouse=True)
def _published(monkeypatch):
    """Add a detector whose model is published."""
    monkeypatch.setitem(DETECTORS, 'bright', replace(ROW, published=FILE))


@pytest.fixture
def source(tmp_path):
    path = tmp_path / 'copy'
    path.write_bytes(CONTENT)
    return path


def execute(*words):
    parser = argparse.ArgumentParser()
    fetch.configure(parser)
    return fetch.execute(parser.parse_args([str(word) for word in words]))


def test_a_copy_is_installed_in_the_folder_of_the_user(source, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv('XDG_DATA_HOME', str(tmp_path / 'data'))
    assert execute('bright', '--from', source) == 0
    target = tmp_path / 'data' / 'rtcnn_perception' / 'models' / FILE.path
    assert target.read_bytes() == CONTENT
    assert str(target) in capsys.readouterr().out


def test_a_copy_is_installed_in_the_folder_that_is_named(source, tmp_path, monkeypatch):
    assert execute('bright', '--from', source, '--to', tmp_path / 'models') == 0
    assert (tmp_path / 'models' / FILE.path).read_bytes() == CONTENT
    monkeypatch.setenv('HOME', str(tmp_path / 'home'))
    assert execute('bright', '--from', source, '--to', '~/models') == 0
    assert (tmp_path / 'home' / 'models' / FILE.path).is_file()


def test_who_has_no_home_is_asked_for_a_folder(source, monkeypatch):
    monkeypatch.setattr(fetch, 'user_models_directory', lambda: None)
    with pytest.raises(ConfigurationError, match='name a folder of models with --to'):
        execute('bright', '--from', source)


@pytest.mark.parametrize('url', ['http://localhost/\xe9', 'http://[::1', 'http://a..b/x'])
def test_what_is_no_address_is_refused_in_one_line(url, tmp_path):
    with pytest.raises(ModelError) as refused:
        execute('bright', '--url', url, '--to', tmp_path)
    assert f'{url} cannot be reached' in str(refused.value)
    assert '\n' not in str(refused.value)


def test_another_file_is_refused_and_not_installed(tmp_path):
    other = tmp_path / 'other'
    other.write_bytes(b'other')
    with pytest.raises(ModelError, match='sha256'):
        execute('bright', '--from', other, '--to', tmp_path / 'models')
    assert not (tmp_path / 'models').exists()


@pytest.mark.parametrize('name', ['eyes', 'rtcnn', 'haar', 'auto', ''])
def test_a_detector_without_a_published_model_is_refused_naming_those_with_one(name):
    with pytest.raises(ConfigurationError) as refused:
        execute(name)
    assert str(refused.value) == (
        f"expected a detector with a model to download, one of yunet, bright, got '{name}'"
    )


def test_the_help_lists_what_can_be_fetched_with_its_origin():
    parser = argparse.ArgumentParser()
    fetch.configure(parser)
    text = ' '.join(parser.format_help().split())
    assert 'yunet: face_detection_yunet_2023mar.onnx (OpenCV Zoo, MIT licence, 227 KiB)' in text
    assert 'bright: published.level (a test, no licence, 227 KiB)' in text
    assert 'one of yunet, bright' in text


@pytest.mark.parametrize('is_terminal', [False, True])
def test_progress_is_shown_on_a_terminal_alone(tmp_path, monkeypatch, capsys, is_terminal):
    calls = []

    def download(file, target, *, url, progress=None):
        calls.append((file, target, url))
        if progress is not None:
            progress(FILE.size // 2, FILE.size)
            progress(FILE.size, FILE.size)

    monkeypatch.setattr(fetch, 'download', download)
    monkeypatch.setattr(sys.stderr, 'isatty', lambda: is_terminal, raising=False)
    assert execute('bright', '--url', 'http://127.0.0.1/x', '--to', tmp_path) == 0
    assert calls == [(FILE, tmp_path / FILE.path, 'http://127.0.0.1/x')]
    shown = capsys.readouterr().err
    assert ('[############............] 113 of 227 KiB' in shown) == is_terminal
    assert shown.endswith('227 of 227 KiB\n') == is_terminal


def test_a_detector_that_cannot_run_here_is_reported_after_the_installation(
    source, tmp_path, monkeypatch, capsys
):
    row = replace(ROW, published=FILE, obstacle=lambda: 'OpenCV is too old')
    monkeypatch.setitem(DETECTORS, 'bright', row)
    assert execute('bright', '--from', source, '--to', tmp_path) == 0
    assert 'the detector bright cannot run here: OpenCV is too old' in capsys.readouterr().out


def test_a_copy_and_an_address_together_are_wrong_usage(source):
    with pytest.raises(SystemExit, match='2'):
        execute('bright', '--from', source, '--url', 'http://127.0.0.1/x')
