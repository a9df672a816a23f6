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

"""Checkpoints: training states on disk, plain data that is written completely or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
import contextlib
import io
from pathlib import Path
import pickle
import struct
from typing import Any
import warnings

from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.files import check_file
import torch

FORMAT = 2

UNREADABLE = (
    pickle.UnpicklingError,
    RuntimeError,
    EOFError,
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    struct.error,
)
"""What reading a file that is no checkpoint raises, whatever it is."""


def save_checkpoint(path: Path, values: dict[str, Any]) -> None:
    """
    Write a checkpoint beside its place and move it there.

    :raises ModelError: if the folder cannot be written to
    """
    unfinished = path.with_suffix('.part')
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        content = io.BytesIO()  # torch does not say why it cannot write a file
        torch.save({'format': FORMAT, **values}, content)
        unfinished.write_bytes(content.getbuffer())
        unfinished.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)
        reason = error.strerror or error
        raise ModelError(f'cannot write the checkpoint {path}: {reason}') from error


def load_checkpoint(path: Path) -> dict[str, Any]:
    """
    Read a checkpoint; only plain data and tensors are accepted.

    :raises ModelError: if the file is missing or is no checkpoint of this version
    """
    try:
        check_file(path)
        with warnings.catch_warnings():
            # It refuses what it cannot read, whatever version the first bytes claim.
            warnings.filterwarnings('ignore', 'Detected pickle protocol')
            values = torch.load(path, map_location='cpu', weights_only=True)
    except FileNotFoundError:
        raise ModelError(f'there is no checkpoint {path}') from None
    except OSError as error:
        raise ModelError(f'{path} is no readable checkpoint: {error}') from error
    except UNREADABLE as error:  # whose texts are long, and of PyTorch's own options
        raise ModelError(
            f'{path} is no readable checkpoint ({type(error).__name__}); '
            'name the best.pt or last.pt of a training'
        ) from error
    if not isinstance(values, dict) or values.get('format') != FORMAT:
        raise ModelError(
            f'{path} is no checkpoint of this version (format {FORMAT}); train anew, or name the '
            'best.pt or last.pt of a training'
        )
    for part in ('config', 'average'):
        if not isinstance(values.get(part), dict):
            raise ModelError(f'{path} is no complete checkpoint: its {part} is missing')
    return values


def check_fingerprint(
    values: Mapping[str, Any], found: Mapping[str, str], path: Path, advice: str
) -> None:
    """
    Refuse a checkpoint whose training had other data; an older one does not say what it had.

    :param values: of the checkpoint, which lies at ``path``
    :param found: the fingerprints of parts of the data as it is now
    :param advice: what to do
    :raises ModelError: naming each part that differs, what was expected and what came
    """
    kept = values.get('fingerprint')
    known = kept if isinstance(kept, Mapping) else {}
    differing = [
        f'{part} had {known[part]}, now {now}'
        for part, now in found.items()
        if known.get(part, now) != now
    ]
    if differing:
        raise ModelError(f'{path} learnt from other data: {"; ".join(differing)}. {advice}')


def mean_checkpoint(paths: Sequence[Path]) -> dict[str, Any]:
    """
    Return the first of some checkpoints with the mean of all their averaged weights.

    The mean is a good network where one training started from the weights of the other.
    Source: Wortsman et al.: Model soups: averaging weights of multiple fine-tuned models improves
    accuracy without increasing inference time, 2022.

    :param paths: at least one
    :raises ModelError: if one is no checkpoint, or has other weights, classes or data to measure
        on than the first
    """
    first, *others = (load_checkpoint(path) for path in paths)
    mean = dict(first['average'])
    for path, other in zip(paths[1:], others, strict=True):
        theirs = other['average']
        if {name: value.shape for name, value in theirs.items()} != {
            name: value.shape for name, value in mean.items()
        }:
            raise ModelError(f'{path} holds weights of other shapes than {paths[0]}: no mean')
        for key in ('architecture', 'crop'):
            if other['config'].get(key) != first['config'].get(key):
                raise ModelError(f'{path} has another {key} than {paths[0]}: no mean')
        if other.get('classes') != first.get('classes'):
            raise ModelError(f'{path} has other classes than {paths[0]}: no mean')
        for part in ('val', 'test'):
            prints = [(each.get('fingerprint') or {}).get(part) for each in (first, other)]
            if None not in prints and prints[0] != prints[1]:
                raise ModelError(
                    f'{path} has another {part} part than {paths[0]}, and may have learnt from '
                    'what the mean is measured on: no mean'
                )
        for name, value in mean.items():
            if value.dtype.is_floating_point:
                mean[name] = value + (theirs[name] - first['average'][name]) / len(paths)
    return {**first, 'average': mean, 'mean_of': [str(path) for path in paths]}
