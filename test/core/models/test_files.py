from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
import hashlib
from http.server import BaseHTTPRequestHandler
from http.server import HTTPServer
import socket
import threading

import pytest
from rtcnn_perception.core.models import files as yunet_file
from rtcnn_perception.core.models.files import check_yunet_file
from rtcnn_perception.core.models.files import copy_yunet
from rtcnn_perception.core.models.files import fetch_yunet
from rtcnn_perception.core.models.files import YUNET_NAME
from rtcnn_perception.core.models.files import yunet_path
from rtcnn_perception.core.models.files import YUNET_SHA256
from rtcnn_perception.core.models.files import YUNET_SIZE
from rtcnn_perception.exceptions import ModelError

CONTENT = bytes(range(256)) * 200


class Handler(BaseHTTPRequestHandler):
    """Answers by the path."""

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
        """Keep the terminal for the tests."""


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
def _small_file_and_no_proxy(monkeypatch):
    """Let a content that the test knows stand for YuNet's."""
    monkeypatch.setattr(yunet_file, 'YUNET_SHA256', hashlib.sha256(CONTENT).hexdigest())
    monkeypatch.setattr(yunet_file, '_MAX_SIZE', 5 * len(CONTENT))
    monkeypatch.setenv('no_proxy', '127.0.0.1')


@pytest.fixture
def target(tmp_path):
    return yunet_path(tmp_path / 'models')


def left_over(target):
    return [path for path in target.parent.iterdir() if path != target]


def test_the_known_sum_is_that_of_the_real_file(yunet_file):
    content = yunet_file.read_bytes()
    assert hashlib.sha256(content).hexdigest() == YUNET_SHA256
    assert len(content) == YUNET_SIZE


def test_the_file_has_a_place_in_a_folder_of_models(tmp_path):
    assert yunet_path(tmp_path) == tmp_path / 'yunet' / YUNET_NAME


@pytest.mark.parametrize('path', ['/good', '/moved'])
def test_a_download_is_put_in_place_and_told_on_the_way(server, target, path):
    told = []
    fetch_yunet(target, server + path, lambda *step: told.append(step))
    assert target.read_bytes() == CONTENT
    assert target.stat().st_mode & 0o777 == 0o644
    assert left_over(target) == []
    sizes = [size for size, _ in told]
    assert sizes == sorted(sizes)
    assert sizes[-1] == len(CONTENT)
    assert {expected for _, expected in told} == {YUNET_SIZE}


def test_a_download_takes_the_place_of_a_damaged_file(server, target):
    target.parent.mkdir(parents=True)
    target.write_bytes(b'damaged')
    fetch_yunet(target, server + '/good')
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize(
    ('path', 'told'),
    [
        ('/other', 'with sha256 .*, expected .* nothing was installed'),
        ('/endless', 'sends over'),
        ('/missing', 'answers 404'),
        ('/file-scheme', 'answers 302'),
    ],
)
def test_what_is_not_the_file_is_not_put_in_place(server, target, path, told):
    target.parent.mkdir(parents=True)
    target.write_bytes(b'as it was')
    with pytest.raises(ModelError, match=told) as error:
        fetch_yunet(target, server + path)
    assert server + path in str(error.value)
    assert target.read_bytes() == b'as it was'
    assert left_over(target) == []


def test_a_download_that_breaks_off_leaves_nothing(server, target):
    with pytest.raises(ModelError, match=r'gave 1000 bytes|broke off'):
        fetch_yunet(target, server + '/breaks')
    assert list(target.parent.iterdir()) == []


def test_a_sender_that_fails_is_named(target, monkeypatch):
    class Failing:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def read(self, _size):
            raise ConnectionResetError('reset by peer')

    monkeypatch.setattr(yunet_file.urllib.request, 'urlopen', lambda *_, **__: Failing())
    with pytest.raises(ModelError, match=r'broke off \(reset by peer\)'):
        fetch_yunet(target, 'http://127.0.0.1/')


def test_no_network_is_told_in_one_line_with_what_to_do(target):
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))  # bound and not listening: connections are refused
        url = f'http://127.0.0.1:{taken.getsockname()[1]}/yunet'
        with pytest.raises(ModelError, match=r'cannot be reached .*--from FILE') as error:
            fetch_yunet(target, url)
    assert '\n' not in str(error.value)
    assert not target.exists()


@pytest.mark.parametrize('url', ['', 'file:///etc/hostname', 'ftp://127.0.0.1/x'])
def test_an_address_that_is_not_http_is_refused(target, url):
    with pytest.raises(ModelError, match='http or https'):
        fetch_yunet(target, url)


def test_a_folder_that_cannot_be_made_is_named(server, tmp_path):
    (tmp_path / 'models').write_text('a file where a folder should be')
    target = yunet_path(tmp_path / 'models')
    with pytest.raises(ModelError, match=r'cannot be written: .*--to'):
        fetch_yunet(target, server + '/good')


def test_a_target_that_cannot_be_replaced_is_named(server, target):
    target.mkdir(parents=True)
    with pytest.raises(ModelError, match='cannot be written'):
        fetch_yunet(target, server + '/good')
    assert left_over(target) == []


def test_a_copy_at_hand_is_checked_and_put_in_place(tmp_path, target):
    source = tmp_path / 'copy'
    source.write_bytes(CONTENT)
    copy_yunet(target, source)
    assert target.read_bytes() == CONTENT
    copy_yunet(target, target)
    assert target.read_bytes() == CONTENT


def test_a_copy_that_is_another_file_is_refused_by_both_sums(tmp_path, target):
    source = tmp_path / 'copy'
    source.write_bytes(b'')
    with pytest.raises(ModelError, match=hashlib.sha256(b'').hexdigest()) as error:
        copy_yunet(target, source)
    assert YUNET_SHA256 in str(error.value) or yunet_file.YUNET_SHA256 in str(error.value)
    assert not target.exists()


def test_a_copy_that_is_not_there_is_named(tmp_path, target):
    with pytest.raises(ModelError, match='copy cannot be read: No such file'):
        copy_yunet(target, tmp_path / 'copy')


def test_a_pointer_of_git_lfs_is_called_one(tmp_path):
    path = tmp_path / YUNET_NAME
    path.write_text('version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n')
    with pytest.raises(ModelError, match='Git LFS pointer'):
        check_yunet_file(path)
