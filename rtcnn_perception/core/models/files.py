"""The model file of YuNet: which it is, and fetching it."""

from __future__ import annotations

from collections.abc import Callable
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

YUNET_NAME: Final = 'face_detection_yunet_2023mar.onnx'
YUNET_SUBDIRECTORY: Final = 'yunet'
YUNET_SHA256: Final = '8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4'
YUNET_SIZE: Final = 232_589
"""Bytes; the size and the sum are those of the Git LFS pointer at the address below."""

YUNET_URL: Final = (
    'https://github.com/opencv/opencv_zoo/raw/4.10.0/models/face_detection_yunet/' + YUNET_NAME
)
"""OpenCV Zoo, release 4.10.0, MIT licence; GitHub passes on to where its LFS files lie."""

_CHUNK = 16 * 1024
_MAX_SIZE = 64 * YUNET_SIZE
"""A server that sends more than this sends something else."""
_TIMEOUT_S = 30.0

_BY_HAND = (
    f"get {YUNET_NAME} elsewhere and run 'rtcnn_perception fetch-yunet --from FILE', "
    'or do without: the detector rtcnn comes with this package'
)

Progress = Callable[[int, int], None]
"""Takes the bytes so far and those expected."""


def yunet_path(models_directory: Path) -> Path:
    """Return where YuNet's file lies in a folder of models."""
    return models_directory / YUNET_SUBDIRECTORY / YUNET_NAME


def check_yunet_file(path: Path) -> None:
    """
    Make sure that a file is YuNet 2023mar, to the last bit.

    :raises ModelError: if it cannot be read or has another sum, which is named
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f'{path} cannot be read: {error.strerror}') from error
    found = hashlib.sha256(content).hexdigest()
    if found == YUNET_SHA256:
        return
    what = (
        'it is a Git LFS pointer and not the file itself'
        if content.startswith(b'version https://git-lfs')
        else 'it is damaged or another file'
    )
    raise ModelError(
        f'{path} is not {YUNET_NAME}: expected sha256 {YUNET_SHA256}, found {found}; {what}; '
        "fetch it again with 'rtcnn_perception fetch-yunet'"
    )


def fetch_yunet(target: Path, url: str = YUNET_URL, progress: Progress | None = None) -> None:
    """
    Download YuNet's file and put it in place once it is checked.

    A file that is there stays as it is until the new one is whole.

    :param target: path of the file; its folder is made
    :param url: http or https address
    :raises ModelError: if the address cannot be reached or sends something else, or the target
        cannot be written
    """
    if not url.startswith(('http://', 'https://')):
        raise ModelError(f'expected an http or https address to fetch YuNet from, got {url}')
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as response:
            _install(target, response, progress, origin=url)
    except urllib.error.HTTPError as error:
        error.close()
        raise ModelError(f'{url} answers {error.code} {error.reason}; {_BY_HAND}') from error
    except (OSError, http.client.HTTPException) as error:
        why = getattr(error, 'reason', error)
        raise ModelError(f'{url} cannot be reached ({why}); {_BY_HAND}') from error


def copy_yunet(target: Path, source: Path) -> None:
    """
    Put a copy of YuNet's file that is at hand in place once it is checked.

    :raises ModelError: if the source cannot be read or is another file, or the target cannot be
        written
    """
    check_yunet_file(source)
    with source.open('rb') as stream:
        _install(target, stream, None, origin=str(source))


def _install(target: Path, stream: IO[bytes], progress: Progress | None, *, origin: str) -> None:
    """
    Write what a stream gives beside the target, check it, and move it there.

    :param origin: where the stream comes from, for messages
    :raises ModelError: if the stream breaks off or is another file, or the target cannot be
        written
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # Beside the target, so that the move is atomic.
        handle, name = tempfile.mkstemp(prefix=f'.{target.name}.', dir=target.parent)
    except OSError as error:
        raise ModelError(
            f'{target} cannot be written: {error.strerror}; name another folder with --to'
        ) from error
    partial = Path(name)
    try:
        with os.fdopen(handle, 'wb') as file:
            _copy_checked(stream, file, progress, origin)
        partial.chmod(0o644)
        partial.replace(target)
    except OSError as error:
        raise ModelError(f'{target} cannot be written: {error.strerror}') from error
    finally:
        partial.unlink(missing_ok=True)


def _copy_checked(
    stream: IO[bytes], file: IO[bytes], progress: Progress | None, origin: str
) -> None:
    digest = hashlib.sha256()
    size = 0
    while chunk := _read(stream, origin):
        size += len(chunk)
        if size > _MAX_SIZE:
            raise ModelError(
                f'{origin} sends over {_MAX_SIZE} bytes, expected {YUNET_SIZE}; {_BY_HAND}'
            )
        digest.update(chunk)
        file.write(chunk)
        if progress is not None:
            progress(size, YUNET_SIZE)
    if digest.hexdigest() != YUNET_SHA256:
        raise ModelError(
            f'{origin} gave {size} bytes with sha256 {digest.hexdigest()}, expected {YUNET_SIZE} '
            f'with {YUNET_SHA256}; nothing was installed; {_BY_HAND}'
        )


def _read(stream: IO[bytes], origin: str) -> bytes:
    # Not in one ``try`` with the writing: both raise OSError, and only this one is the sender's.
    try:
        return stream.read(_CHUNK)
    except (OSError, http.client.HTTPException) as error:
        raise ModelError(f'{origin} broke off ({error}); nothing was installed') from error
