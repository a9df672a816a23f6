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

"""Model files: where they are searched for, their checksums, downloads of published ones."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
import hashlib
import http.client
import os
from pathlib import Path
import tempfile
from typing import Final
from typing import IO
import urllib.error
import urllib.request

from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.files import read_bytes
from rtcnn_perception.paths import is_there

CHUNK: Final = 16 * 1024
TIMEOUT_S: Final = 30.0
LARGEST: Final = 64
"""A server that sends more than so many times the expected size sends something else."""

Progress = Callable[[int, int], None]
"""Takes the bytes so far and those expected."""


@dataclass(frozen=True, slots=True)
class PublishedFile:
    """
    A model file that others publish and this package does not contain.

    ``path`` is where it lies in a folder of models; ``size`` is in bytes; ``url`` is http or
    https; ``origin`` names publisher and licence; ``advice`` is what an error says to do instead.
    """

    path: Path
    sha256: str
    size: int
    url: str
    origin: str
    advice: str


def find_model(folders: Sequence[Path], path: Path, advice: str) -> Path:
    """
    Return the first place where a model exists.

    :param folders: folders of models, the first one first
    :param path: where the model lies in such a folder
    :param advice: what an error says to do
    :raises ModelError: if it is in none of the folders
    """
    for folder in folders:
        if is_there(folder / path):
            return folder / path
    where = ' or '.join(map(str, folders)) or 'the folders of models, of which none is given'
    raise ModelError(f'there is no model {path} in {where} ({advice})')


def check_sha256(content: bytes, expected: str, path: Path, advice: str) -> None:
    """
    Compare the content of a file with its checksum.

    :param advice: what an error says to do
    :raises ModelError: if it has another one
    """
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        is_pointer = content.startswith(b'version https://git-lfs')
        what = 'a Git LFS pointer and not the file itself' if is_pointer else 'damaged or replaced'
        raise ModelError(
            f'{path}: expected the sha256 {expected}, got {found} over {len(content)} bytes; '
            f'the file is {what}: {advice}'
        )


def read_published(file: PublishedFile, path: Path) -> bytes:
    """
    Read a published file and check it.

    :raises ModelError: if it cannot be read or is another file
    """
    try:
        content = read_bytes(path)
    except OSError as error:
        raise ModelError(f'{path} cannot be read: {error.strerror}; {file.advice}') from error
    check_sha256(content, file.sha256, path, file.advice)
    return content


def download(
    file: PublishedFile,
    target: Path,
    *,
    url: str = '',
    progress: Progress | None = None,
) -> None:
    """
    Download a published file and put it in place once it is checked.

    A file that exists stays as it is until the new one is complete.

    :param target: path of the file; its folder is made
    :param url: another address than the file's own
    :raises ModelError: if the address cannot be reached or sends something else, or the target
        cannot be written
    """
    url = url or file.url
    if not url.startswith(('http://', 'https://')):
        raise ModelError(f'expected an http or https address to download from, got {url}')
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as response:
            content = _received(file, response, progress, origin=url)
    except urllib.error.HTTPError as error:
        error.close()
        raise ModelError(f'{url} answers {error.code} {error.reason}; {file.advice}') from error
    except (OSError, http.client.HTTPException, ValueError) as error:  # also: no address at all
        why = getattr(error, 'reason', error)
        raise ModelError(f'{url} cannot be reached ({why}); {file.advice}') from error
    found = hashlib.sha256(content).hexdigest()
    if found != file.sha256:
        raise ModelError(
            f'{url} gave {len(content)} bytes with sha256 {found}, expected {file.size} with '
            f'{file.sha256}; nothing was installed; {file.advice}'
        )
    _install(target, content)


def install_copy(file: PublishedFile, target: Path, source: Path) -> None:
    """
    Put a copy of a published file in place once it is checked.

    :raises ModelError: if the source cannot be read or is another file, or the target cannot be
        written
    """
    _install(target, read_published(file, source))


def replace_file(path: Path, content: bytes) -> None:
    """
    Write a file beside its place and move it there in one step; its folder is made.

    :raises OSError: if the folder cannot be written to; what was there stays
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f'.{path.name}.', dir=path.parent)
    unfinished = Path(name)
    try:
        with os.fdopen(handle, 'wb') as stream:
            stream.write(content)
        unfinished.chmod(0o644)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _install(target: Path, content: bytes) -> None:
    try:
        replace_file(target, content)
    except OSError as error:
        raise ModelError(
            f'{target} cannot be written: {error.strerror}; name another folder with --to'
        ) from error


def _received(
    file: PublishedFile, stream: IO[bytes], progress: Progress | None, *, origin: str
) -> bytes:
    content = b''
    while chunk := _read(stream, origin):
        content += chunk
        if len(content) > LARGEST * file.size:
            raise ModelError(
                f'{origin} sends over {LARGEST * file.size} bytes, expected {file.size}; '
                f'{file.advice}'
            )
        if progress is not None:
            progress(len(content), file.size)
    return content


def _read(stream: IO[bytes], origin: str) -> bytes:
    # Not in one ``try`` with the opening: both raise OSError, and this one says how far it came.
    try:
        return stream.read(CHUNK)
    except (OSError, http.client.HTTPException) as error:
        raise ModelError(f'{origin} broke off ({error}); nothing was installed') from error
