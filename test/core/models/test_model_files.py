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

"""A model file is found, checked by its sum, and put in place only if it is the right one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
import hashlib
from http.server import BaseHTTPRequestHandler
from http.server import HTTPServer
from pathlib import Path
import socket
import threading

import pytest
from rtcnn_perception.core.models import files
from rtcnn_perception.core.models.files import check_sha256
from rtcnn_perception.core.models.files import download
from rtcnn_perception.core.models.files import find_model
from rtcnn_perception.core.models.files import install_copy
from rtcnn_perception.core.models.files import PublishedFile
from rtcnn_perception.core.models.files import read_published
from rtcnn_perception.exceptions import ModelError

CONTENT = bytes(range(256)) * 200
SHA256 = hashlib.sha256(CONTENT).hexdigest()
POINTER = b'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n'
PATH = Path('faces') / 'faces.onnx'


class Handler(BaseHTTPRequestHandler):
    """Serves by the path."""

    def do_GET(self):
        if self.path == '/moved':
            self.send_response(302)
            self.send_header('Location', '/good')
            self.end_headers()
            return
        if self.path not in ('/good', '/other', '/breaks', '/endless', '/file-scheme'):
            self.send_error(404)
            return
        if self.path == '/file-scheme':
            self.send_response(302)
            self.send_header('Location', 'file:///etc/hostname')
            self.end_headers()
            return
        body = {'/other': CONTENT[:-1], '/breaks': CONTENT[:1000]}.get(self.path, CONTENT)
        self.send_response(200)
        if self.path == '/breaks':
            self.send_header('Content-Length', str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(body)
        if self.path == '/endless':
            self.wfile.write(CONTENT * 10)

    def log_message(self, *_):
        """Write no log to the terminal of the tests."""


@contextmanager
def serving() -> Iterator[str]:
    server = HTTPServer(('127.0.0.1', 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={'poll_interval': 0.01})
    thread.start()
    try:
        yield f'http://127.0.0.1:{server.server_port}'
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope='module')
def server():
    with serving() as address:
        yield address


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    monkeypatch.setenv('no_proxy', '127.0.0.1')


def published(url='http://127.0.0.1/none'):
    return PublishedFile(
        path=PATH,
        sha256=SHA256,
        size=len(CONTENT),
        url=url,
        origin='a test',
        advice='use --from FILE',
    )


@pytest.fixture
def target(tmp_path):
    return tmp_path / 'models' / PATH


def other_files(target):
    return [path for path in target.parent.iterdir() if path != target]


def test_a_model_is_found_in_the_first_folder_that_has_it(tmp_path):
    first, second = tmp_path / 'own', tmp_path / 'shared'
    (second / PATH).parent.mkdir(parents=True)
    (second / PATH).touch()
    assert find_model((first, second), PATH, 'fetch it') == second / PATH
    assert find_model((tmp_path / ('x' * 300), second), PATH, 'fetch it') == second / PATH
    (first / PATH).mkdir(parents=True)
    assert find_model((first, second), PATH, 'fetch it') == first / PATH


def test_a_model_that_is_in_no_folder_is_refused_with_all_of_them(tmp_path, monkeypatch):
    with pytest.raises(ModelError) as refusal:
        find_model((tmp_path / 'own', tmp_path / 'shared'), PATH, 'fetch it')
    assert str(refusal.value) == (
        f'there is no model {PATH} in {tmp_path / "own"} or {tmp_path / "shared"} (fetch it)'
    )
    monkeypatch.chdir(tmp_path)
    PATH.parent.mkdir()
    PATH.touch()
    with pytest.raises(ModelError, match='none is given'):
        find_model((), PATH, 'fetch it')


def test_a_sum_that_holds_is_accepted():
    check_sha256(CONTENT, SHA256, PATH, 'fetch it')
    check_sha256(b'', hashlib.sha256(b'').hexdigest(), PATH, 'fetch it')


def test_another_sum_is_refused_with_both_and_with_what_to_do():
    with pytest.raises(ModelError) as refusal:
        check_sha256(b'other', SHA256, PATH, 'fetch it')
    found = hashlib.sha256(b'other').hexdigest()
    assert str(refusal.value) == (
        f'{PATH}: expected the sha256 {SHA256}, got {found} over 5 bytes; '
        'the file is damaged or replaced: fetch it'
    )


def test_a_git_lfs_pointer_is_named_as_such():
    with pytest.raises(ModelError) as refusal:
        check_sha256(POINTER, SHA256, PATH, 'fetch it')
    assert str(refusal.value).endswith(
        f'over {len(POINTER)} bytes; the file is a Git LFS pointer and not the file itself: '
        'fetch it'
    )


def test_a_published_file_is_read_if_it_is_the_right_one(target):
    with pytest.raises(ModelError, match=r'cannot be read: No such file.*; use --from FILE'):
        read_published(published(), target)
    target.parent.mkdir(parents=True)
    target.write_bytes(CONTENT)
    assert read_published(published(), target) == CONTENT
    target.write_bytes(POINTER)
    with pytest.raises(ModelError, match=r'Git LFS pointer .*: use --from FILE'):
        read_published(published(), target)


@pytest.mark.parametrize('path', ['/good', '/moved'])
def test_a_download_is_put_in_place_and_reported_on_the_way(server, target, path):
    steps = []
    download(published(server + path), target, progress=lambda *step: steps.append(step))
    assert target.read_bytes() == CONTENT
    assert target.stat().st_mode & 0o777 == 0o644
    assert other_files(target) == []
    sizes = [size for size, _ in steps]
    assert sizes == sorted(sizes)
    assert sizes[-1] == len(CONTENT)
    assert {expected for _, expected in steps} == {len(CONTENT)}


def test_another_address_may_be_named(server, target):
    download(published(server + '/missing'), target, url=server + '/good')
    assert target.read_bytes() == CONTENT


def test_a_download_replaces_a_damaged_file(server, target):
    target.parent.mkdir(parents=True)
    target.write_bytes(b'damaged')
    download(published(server + '/good'), target)
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize(
    ('path', 'message'),
    [
        ('/other', 'with sha256 .*, expected .* nothing was installed'),
        ('/endless', 'sends over'),
        ('/missing', 'answers 404'),
        ('/file-scheme', 'answers 302'),
    ],
)
def test_another_file_is_not_put_in_place(server, target, path, message, monkeypatch):
    monkeypatch.setattr(files, 'LARGEST', 5)
    target.parent.mkdir(parents=True)
    target.write_bytes(b'as it was')
    with pytest.raises(ModelError, match=f'{message}.*use --from FILE') as refusal:
        download(published(server + path), target)
    assert server + path in str(refusal.value)
    assert target.read_bytes() == b'as it was'
    assert other_files(target) == []


def test_a_download_that_breaks_off_leaves_nothing(server, target):
    with pytest.raises(ModelError, match=r'gave 1000 bytes|broke off'):
        download(published(server + '/breaks'), target)
    assert not target.parent.exists()


def test_a_connection_that_fails_is_refused_with_its_reason(target, monkeypatch):
    class Failing:
        """A connection that breaks."""

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def read(self, _size):
            raise ConnectionResetError('reset by peer')

    monkeypatch.setattr(files.urllib.request, 'urlopen', lambda *_, **__: Failing())
    with pytest.raises(ModelError, match=r'broke off \(reset by peer\)'):
        download(published(), target)


def test_an_address_that_cannot_be_reached_is_refused_in_one_line_with_what_to_do(target):
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))  # bound and not listening: connections are refused
        url = f'http://127.0.0.1:{taken.getsockname()[1]}/faces'
        with pytest.raises(ModelError, match=r'cannot be reached .*--from FILE') as refusal:
            download(published(url), target)
    assert '\n' not in str(refusal.value)
    assert not target.exists()


@pytest.mark.parametrize('url', ['faces.onnx', 'file:///etc/hostname', 'ftp://127.0.0.1/x'])
def test_an_address_that_is_not_http_is_refused(target, url):
    with pytest.raises(ModelError, match=f'http or https address to download from, got {url}'):
        download(published(), target, url=url)
    with pytest.raises(ModelError, match='http or https'):
        download(published(url), target)


def test_a_folder_that_cannot_be_made_is_refused_by_its_path(server, tmp_path):
    (tmp_path / 'models').write_text('a file where a folder should be')
    with pytest.raises(ModelError, match=r'faces\.onnx cannot be written: .*--to'):
        download(published(server + '/good'), tmp_path / 'models' / PATH)


def test_a_target_that_cannot_be_replaced_is_refused_by_its_path(server, target):
    target.mkdir(parents=True)
    with pytest.raises(ModelError, match=r'faces\.onnx cannot be written'):
        download(published(server + '/good'), target)
    assert other_files(target) == []


def test_a_copy_is_checked_and_put_in_place(tmp_path, target):
    source = tmp_path / 'copy'
    source.write_bytes(CONTENT)
    install_copy(published(), target, source)
    assert target.read_bytes() == CONTENT
    install_copy(published(), target, target)
    assert target.read_bytes() == CONTENT


def test_a_copy_of_another_file_is_refused_with_both_sums(tmp_path, target):
    source = tmp_path / 'copy'
    source.write_bytes(b'')
    with pytest.raises(ModelError, match=hashlib.sha256(b'').hexdigest()) as refusal:
        install_copy(published(), target, source)
    assert SHA256 in str(refusal.value)
    assert not target.exists()


def test_a_copy_that_does_not_exist_is_refused_by_its_path(tmp_path, target):
    with pytest.raises(ModelError, match='copy cannot be read: No such file'):
        install_copy(published(), target, tmp_path / 'copy')
