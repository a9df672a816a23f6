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

"""Readers of data sets, annotations and settings."""

from __future__ import annotations

import dataclasses

from fuzz_models import changed
from fuzz_models import text_or_changed
from fuzz_models import text_seeds
from fuzz_models import WORDS
from fuzz_target import Draw
from fuzz_target import scratch
from fuzz_target import Target
from fuzz_target import written
import numpy as np
from picture_bytes import encoded
from picture_bytes import scene
from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.training.data.faces import ReadOptions
from rtcnn_perception.training.data.photographs import read_photographs
from rtcnn_perception.training.data.readers import fer
from rtcnn_perception.training.data.readers import npz
from rtcnn_perception.training.data.readers.table import columns_of
from rtcnn_perception.training.data.readers.table import read_table
from rtcnn_perception.training.engine.config import from_mapping
from rtcnn_perception.training.engine.config import read_toml
from rtcnn_perception.training.engine.config import SHIPPED
from rtcnn_perception.training.tasks.attributes.config import TrainConfig
from rtcnn_perception.training.tasks.detector.config import DetectorTrainConfig
from small_data import pictures
from small_data import write_fer_npz
from small_data import write_packed_npz

OPTIONS = ReadOptions(CropGeometry(0.0), 1)
IMAGES = pictures(4, side=8)

ARRAYS = (
    *(np.zeros(0), np.array(3), np.array(['a', 'b']), np.array([b'a', b'']), np.array(['a', 'a'])),
    *(np.array([0, 1, 2, 9]), np.array([-1, 0, 0, 1]), np.array([0.5, np.nan, 1, np.inf])),
    *(np.zeros((4, 4)), np.ones((4, 5, 2)), np.full((4, 4), np.inf), np.zeros((4, 10), np.int8)),
    *(np.array([0, 2**63], np.uint64), np.zeros(5, np.int64), np.array([True, False] * 2)),
    *(np.array([0, 100, 50, 10, 9]), np.array([1j, 2, 3, 4]), np.array([0, 5, 5, 5, 2**40])),
    *(np.zeros((2, 2), 'V8'), np.array(['2020-01-01'] * 4, 'M8[s]'), np.zeros((1 << 20, 0))),
)
"""Arrays that do not belong where they stand."""

KEYS = (
    *('png', 'jpeg', 'offset', 'labels', 'label_names', 'class_names', 'split', 'split_names'),
    *('box', 'landmarks', 'ferplus_votes', 'ferplus_columns', 'race', 'age', 'age_names', 'arr_0'),
    'gender_index',
)


def read_npz(data):
    """Read a packed file: bytes as they are, or one with odd arrays."""
    draw = Draw(data)
    path = scratch() / 'faces.npz'
    if draw.number() % 4 == 0:
        path.write_bytes(draw.rest())
    else:
        source = written('whole.npz', draw.choice([*npz_seeds()])[1:])
        with np.load(source) as file:
            arrays = dict(file)
        for _ in range(1 + draw.number() % 4):
            if draw.number() % 4:
                arrays[draw.choice(KEYS)] = draw.choice(ARRAYS)
            else:
                arrays.pop(draw.choice(KEYS), None)
        np.savez(path, **arrays)
    npz.part_names(path)
    errors = []
    for read in (read_faces, read_fer, read_rows):
        try:
            read(path)
        except npz.DataError as error:  # noqa: PERF203 - each reader is to read the file
            errors.append(error)
    if len(errors) == 3:
        raise errors[0]


def read_faces(path):
    npz.read_packed(path, OPTIONS)


def read_fer(path):
    fer.read_fer_npz(path, OPTIONS)


def read_rows(path):
    if not npz.has_labels_alone(path):
        raise npz.DataError('it has pictures')
    npz.read_row_labels(path, 4)


def npz_seeds():
    path = scratch() / 'seed.npz'
    yield b'\0' + write_packed_npz(path, IMAGES, [0, 1, 0, 1], [0, 0, 1, 2]).read_bytes()
    yield b'\0' + write_fer_npz(path, IMAGES, [0, 1, 2, 3], 3).read_bytes()
    np.savez(path, labels=np.array([0, 1]), class_names=['a', 'b'], a_index=np.array([0, 3]))
    yield b'\0' + path.read_bytes()


def npz_targets():
    yield from npz_seeds()
    for number in range(32):
        yield bytes([1, *(number * 41 * each % 256 for each in range(12))])


FACE = {'box': [4, 4, 20, 20], 'score': 0.9, 'landmarks': [[8, 8], [16, 8], [12, 12], [8, 16]] * 1}
FACE['landmarks'].append([16, 16])
LISTED = [
    {
        'file': 'a.png',
        'width': 32,
        'height': 24,
        'split': 'train',
        'faces': [FACE, {'box': [1, 1, 9, 9], 'score': 1}],
        'ignore': [{'box': [2, 2, 6, 6]}],
    }
]
WIDER = {'a.png': {'boxes': [{'box': [4, 4, 20, 20], 'invalid': False}] * 2}}


def read_annotations(data):
    """Read the annotations of photographs, and the pictures that they name."""
    content = LISTED if len(data) % 2 else WIDER
    written('a.png', encoded('.png', scene(32, 24)))
    written('annotations.json', text_or_changed(data, content))
    for photograph in read_photographs(scratch())[:3]:
        assert np.isfinite(photograph.boxes).all()
        photograph.read()


def csv_text(count=10):
    rows = [
        f'{n % 7},{" ".join([str(n)] + ["7"] * 2303)},{fer.USAGES[n == 0]}' for n in range(count)
    ]
    return '\n'.join(['emotion,pixels,Usage', *rows]).encode()


def votes_text(count=10):
    return '\n'.join([','.join(fer.FERPLUS_COLUMNS), *[','.join('0123456789')] * count]).encode()


def table_text():
    rows = [
        'a.png,train,hat,30,4,4,20,20',
        'b.png,,bare,-1,,,,',
        '"c.png",test,"a, hat",7,1,1,9,9',
    ]
    return '\n'.join(['file,part,hat,age,x0,y0,x1,y1', *rows]).encode()


def read_csv(data):
    """Read a table of pictures, or FER-2013 in text with changed votes or changed faces."""
    draw = Draw(data)
    kind = draw.number() % 3
    if kind == 2:
        for name, image in zip('abc', IMAGES, strict=False):
            written(f'{name}.png', encoded('.png', np.kron(image, np.ones((4, 4), np.uint8))))
        columns_of(written('faces.csv', draw.rest()))
        read_table(scratch() / 'faces.csv', OPTIONS._replace(leave_out_faulty=True))
        return
    is_votes = kind == 1
    faces = written('fer2013.csv', csv_text() if is_votes else draw.rest())
    votes = written('fer2013new.csv', draw.rest() if is_votes else votes_text())
    fer.read_fer_csv(faces, OPTIONS._replace(votes=votes))


def read_settings(data):
    """Read a configuration of a training: TOML as it is, or plain values."""
    draw = Draw(data)
    if draw.number() % 2:
        values = read_toml(written('settings.toml', draw.rest()))
    else:
        sources = sorted(SHIPPED.glob('*.toml'))
        values = changed(read_toml(draw.choice(sources)), draw)
    kind = DetectorTrainConfig if DetectorTrainConfig.describes(values) else TrainConfig
    read = from_mapping(kind, values, 'settings.toml')
    assert dataclasses.asdict(read) == read.as_dict()


def settings_seeds():
    for source in sorted(SHIPPED.glob('*.toml')):
        yield b'\1' + source.read_bytes()
    for number in range(16):
        yield bytes([0, *(number * 37 * each % 256 for each in range(12))])


TARGETS = {
    'npz': Target(read_npz, npz_targets),
    'annotations': Target(read_annotations, lambda: text_seeds(LISTED, WIDER), WORDS),
    'csv': Target(
        read_csv,
        lambda: [b'\0' + csv_text(), b'\1' + votes_text(), b'\2' + table_text()],
        (b'-1', b'"', b'9' * 5000, b'.png', b'1e300', b'nan', b',,', b'\0', b'../', b'val'),
    ),
    'settings': Target(
        read_settings,
        settings_seeds,
        (b'[[', b'"""', b'1e999', b'nan', b'inf', b'9' * 5000, b'0x', b'attributes', b'{a=1}'),
    ),
}
