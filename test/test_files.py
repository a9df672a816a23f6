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

import os
from pathlib import Path
import socket

import pytest
from rtcnn_perception.files import check_file
from rtcnn_perception.files import parse_json
from rtcnn_perception.files import read_bytes
from rtcnn_perception.files import read_text


def test_a_regular_file_is_read(tmp_path):
    path = tmp_path / 'file'
    path.write_bytes('ü'.encode())
    check_file(path)
    assert read_bytes(path) == 'ü'.encode()
    assert read_text(path) == 'ü'


def make_pipe(folder):
    os.mkfifo(folder / 'pipe')
    return folder / 'pipe'


def make_socket(folder):
    with socket.socket(socket.AF_UNIX) as listener:
        os.chdir(folder)  # the path of a socket is limited to about a hundred bytes
        listener.bind('socket')
    return folder / 'socket'


@pytest.mark.parametrize(
    ('make', 'kind'),
    [
        (make_pipe, 'a pipe'),
        (make_socket, 'a socket|No such device'),
        (lambda _: Path('/dev/zero'), 'a device'),
        (lambda folder: folder, 'Is a directory'),
    ],
)
def test_what_is_no_regular_file_is_refused_at_once(tmp_path, monkeypatch, make, kind):
    monkeypatch.chdir(tmp_path)
    path = make(tmp_path)
    for read in (check_file, read_bytes, read_text):
        with pytest.raises(OSError, match=kind) as refusal:
            read(path)
        assert refusal.value.strerror


def test_a_missing_file_is_an_error_of_the_system(tmp_path):
    for read in (check_file, read_bytes):
        with pytest.raises(FileNotFoundError):
            read(tmp_path / 'nothing')


@pytest.mark.parametrize('name', ['a\0b', '\ud800'])
def test_a_name_that_no_file_can_have_is_an_error_of_the_system(tmp_path, name):
    for read in (check_file, read_bytes, read_text):
        with pytest.raises(OSError, match='no file can have this name') as refusal:
            read(tmp_path / name)
        assert refusal.value.strerror


def test_json_that_is_nested_too_deep_is_a_value_error():
    assert parse_json(b'[1]') == [1]
    with pytest.raises(ValueError, match='nested too deep'):
        parse_json('[' * 100_000 + ']' * 100_000)
