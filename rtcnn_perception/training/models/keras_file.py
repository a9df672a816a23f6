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

"""
Read the weights of a Keras file, in a process of its own.

One flipped bit is enough for an endless loop in the HDF5 library, or for the end of the process.
"""

from __future__ import annotations

from collections.abc import Iterable
import io
from itertools import chain
from itertools import islice
from pathlib import Path
import resource
import signal
import subprocess
import sys

import h5py
import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.files import check_file

MOST_WEIGHTS = 10_000_000
"""Numbers of a file; the original's have 60,000."""

MOST_SECONDS = 30
"""Of computing; a sound file takes less than one."""

Weights = dict[str, list[NDArray[np.float32]]]


def read_layers(path: Path) -> Weights:
    """
    Return the weights of every layer that has any, by its name, in the file's order.

    :raises ModelError: if the file is missing or is no Keras model
    """
    try:
        check_file(path)
        command = [sys.executable, '-m', __name__, str(path.absolute()), str(MOST_SECONDS)]
        done = subprocess.run(command, capture_output=True, check=True)
    except OSError as error:
        raise _refused(path, str(error)) from error
    except subprocess.CalledProcessError as error:
        raise _refused(path, _why_ended(error)) from error
    with np.load(io.BytesIO(done.stdout)) as packed:
        names, counts, *arrays = packed.values()
    rest = iter(arrays)
    return {
        name: [*islice(rest, count)]
        for name, count in zip(names.tolist(), counts.tolist(), strict=True)
    }


def stored_layers(path: Path) -> Weights:
    """
    Return the same, read in this process.

    :raises AttributeError, OSError, KeyError, RuntimeError, TypeError, ValueError: if the file is
        damaged in a way that h5py notices
    """
    with h5py.File(path, 'r') as file:
        group = file.get('model_weights', file)
        layers: Weights = {}
        count = 0
        for name in _names(group.attrs['layer_names']):
            weights = [
                _read_array(group[name][weight])
                for weight in _names(group[name].attrs['weight_names'])
            ]
            count += sum(each.size for each in weights)
            if count > MOST_WEIGHTS:
                raise ValueError(f'{count} weights and more, of which {MOST_WEIGHTS} are read')
            if weights:
                layers[name] = weights
        return layers


def _refused(path: Path, reason: str) -> ModelError:
    return ModelError(f'{path} holds no Keras weights that can be read: {reason}')


def _why_ended(error: subprocess.CalledProcessError) -> str:
    """Return why the process that read a file did not."""
    if error.returncode == -signal.SIGXCPU:
        return f'the HDF5 library has not read it in {MOST_SECONDS} s'
    if error.returncode < 0:
        return f'the HDF5 library fails on it ({signal.Signals(-error.returncode).name})'
    return str(error.stderr.decode(errors='replace')).strip()


def _read_array(stored: h5py.Dataset) -> NDArray[np.float32]:
    """Return numbers of a file; one of 1 KB may claim to hold any number of them."""
    if stored.size > MOST_WEIGHTS:
        raise ValueError(f'{stored.size} weights of one kind, more than {MOST_WEIGHTS}')
    return np.asarray(stored, np.float32)


def _names(attribute: Iterable[bytes | str]) -> list[str]:
    return [n.decode() if isinstance(n, bytes) else str(n) for n in attribute]


def main() -> None:
    """Write the weights of the file that is named first to the standard output."""
    path, seconds = sys.argv[1:]
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds) + 1))
    try:
        layers = stored_layers(Path(path))
    except (AttributeError, OSError, KeyError, RuntimeError, TypeError, ValueError) as error:
        sys.exit(str(error))
    counts = [len(weights) for weights in layers.values()]
    packed = io.BytesIO()
    np.savez(packed, np.array([*layers], str), np.array(counts, int), *chain(*layers.values()))
    sys.stdout.buffer.write(packed.getvalue())


if __name__ == '__main__':
    main()
