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

"""Values of options that several commands take, checked before any work is done."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from collections.abc import Sequence
import os
from pathlib import Path

from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.exceptions import PerceptionError
from rtcnn_perception.paths import is_folder
from rtcnn_perception.paths import is_there
from rtcnn_perception.paths import with_home


def path_of(text: str) -> Path:
    """Read a path; the shell leaves ``~`` in ``--output=~/x`` as it is."""
    return with_home(text)


def name_of(text: str) -> str:
    """
    Read the name of a file, a model or data; an unset variable of the shell is none.

    :raises argparse.ArgumentTypeError: if it is empty
    """
    if not text:
        raise argparse.ArgumentTypeError('expected a name, got an empty text')
    return text


def items(text: str) -> tuple[str, ...]:
    """Split a list at its commas."""
    return tuple(item.strip() for item in text.split(',') if item.strip())


def check_margin(margin: float | None) -> None:
    """
    Check that a crop can have the margin that ``--margin`` gives, if it gives one.

    :raises ConfigurationError: if none can
    """
    try:
        CropGeometry(margin or 0.0)
    except ValueError as error:
        raise ConfigurationError(f'--{error}') from error


def refuse_options(args: argparse.Namespace, names: Sequence[str], owner: str) -> None:
    """
    Refuse options that are given where they have no use.

    :param owner: what they are for
    :raises ConfigurationError: naming the first of them
    """
    for name in names:
        if getattr(args, name) is not None:
            raise ConfigurationError(f'--{name.replace("_", "-")} is for {owner}')


def check_output(path: Path, option: str) -> None:
    """
    Check that a file can be written, and make its folder if need be; an existing file stays.

    :param option: the option that names it on the command line
    :raises PerceptionError: if it cannot be written
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        is_new = not path.exists()
        path.open('ab').close()
        if is_new:
            path.unlink()
    except OSError as error:
        raise PerceptionError(
            f'cannot write {path} ({error.strerror}); name another place with {option}'
        ) from error


def check_folder(folder: Path, option: str) -> None:
    """
    Check that files can be written into a folder, without making it.

    :param option: the option that names it on the command line
    :raises ConfigurationError: if the folder, or what would hold it, cannot be written to
    """
    there = next((each for each in (folder, *folder.absolute().parents) if is_there(each)), folder)
    if not is_folder(there) or not os.access(there, os.W_OK | os.X_OK):
        raise ConfigurationError(
            f'cannot write to the folder {folder}, as {there} is no folder that can be written '
            f'to; name another place with {option}'
        )


def refuse_overwriting(
    inputs: Iterable[Path], outputs: Iterable[Path], *, are_deep: bool = False
) -> None:
    """
    Refuse to write to what is read, by whatever name or link, before anything is opened.

    A folder is read as the files in it, and nothing is written into it.

    :param inputs: files and folders that are read
    :param outputs: files that are to be written, whether or not they exist
    :param are_deep: whether what lies in a folder of a folder is read as well
    :raises ConfigurationError: naming both
    """
    written = {_identity(output): output for output in outputs}
    folders = {_identity(output.parent): output for output in written.values()}
    for given in inputs:
        read = [_identity(given)]
        targets = written
        if is_folder(given):
            # A new file would be read with the folder, at the latest the next time.
            targets = written | folders
            read += map(_identity, _files_in(given))
        within = [targets[each] for each in read if each is not None and each in targets]
        if are_deep and is_folder(given):
            root = given.resolve()
            within += [path for path in written.values() if path.resolve().is_relative_to(root)]
        if within:
            raise ConfigurationError(
                f'{within[0]} would be written to what is read, {given}; name another folder with '
                '--output'
            )


def _files_in(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if not is_folder(path)]
    except OSError:
        return []  # reading it says why


def _identity(path: Path) -> tuple[int, int] | None:
    """Return what all names and links of an existing file have in common."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino
