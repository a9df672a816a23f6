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

"""The photographs that a detector learns from and is measured on, by part."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Sequence
import hashlib

from rtcnn_perception.training.data.faces import DataError
from rtcnn_perception.training.data.faces import PARTS
from rtcnn_perception.training.data.photographs import Photograph
from rtcnn_perception.training.data.photographs import photographs_in
from rtcnn_perception.training.data.pictures import for_all
from rtcnn_perception.training.data.splits import fingerprint
from rtcnn_perception.training.tasks.detector.config import DetectorTrainConfig

LAST = PARTS.index('test')


def configured_photographs(
    config: DetectorTrainConfig,
) -> tuple[list[Photograph], list[Photograph], str]:
    """
    Read the annotations of all photographs of a configuration.

    :returns: those to learn from and to choose by, those of the part ``test`` of the folder that
        is measured on, and a note on copies that are left out, or nothing
    :raises DataError: if an annotation is wrong, or the folder to measure on has no such part
    """
    test = []
    if config.test:
        test = [each for each in photographs_in([config.test]) if each.split == 'test']
        if not test:
            raise DataError(
                f'{config.test} has no photograph of the part test; expected some to measure on'
            )
    left, note = without_copies(photographs_in(config.photographs), test)
    return left, test, note


def without_copies(
    photographs: Sequence[Photograph], test: Sequence[Photograph]
) -> tuple[list[Photograph], str]:
    """
    Leave out the photographs whose file a later part has too.

    :param test: others that are measured on, of the last part
    :returns: the photographs that are left, and a note on the others, or nothing
    :raises DataError: if a picture cannot be read
    """
    every = [*photographs, *test]
    digests = for_all(_digest, every, 'photographs')
    parts = [*(PARTS.index(each.split) for each in photographs), *[LAST] * len(test)]
    latest: dict[bytes, int] = {}
    for digest, part in zip(digests, parts, strict=True):
        latest[digest] = max(part, latest.get(digest, 0))
    left = [
        each
        for each, digest, part in zip(photographs, digests, parts, strict=False)
        if part == latest[digest]
    ]
    count = len(photographs) - len(left)
    return left, f'photographs left out, as a later part has them too: {count}' if count else ''


def _digest(photograph: Photograph) -> bytes:
    return hashlib.sha256(photograph.content()).digest()


def check_pictures(photographs: Iterable[Photograph]) -> None:
    """
    Decode photographs once, so that faulty ones are known before hours of training.

    :raises DataError: with what is wrong
    """
    for_all(lambda each: each.read().shape, photographs, 'photographs')


def photograph_fingerprints(
    photographs: Iterable[Photograph], test: Iterable[Photograph]
) -> dict[str, str]:
    """
    Return by part which photographs are in it with which annotations, whatever their files.

    :param photographs: of which those of ``train`` and ``val`` count
    :param test: the others that a detector is evaluated on
    :raises DataError: if a picture cannot be read
    """
    known = list(photographs)
    parts = {name: [p for p in known if p.split == name] for name in ('train', 'val')}
    parts['test'] = list(test)
    return {name: fingerprint(each.digest() for each in part) for name, part in parts.items()}
