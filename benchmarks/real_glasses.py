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
Measure gender on faces that wear glasses beside those that wear none, from 16 years on.

The faces were marked by eye among the thousand of the held-out and the test parts that most look
like it, by the edges at the bridge of the nose and dark eyes. A few of the others may wear some
too. No training saw either part; the held-out one chose among trainings.

    python benchmarks/real_glasses.py models/attributes

Data is searched for below ``../shared/data``, or where ``RTCNN_DATA`` points.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
from rtcnn_perception.core.arrays import Probabilities
from rtcnn_perception.training.data.faces import FaceSet
from rtcnn_perception.training.data.faces import join
from rtcnn_perception.training.data.heads import load_for_heads
from rtcnn_perception.training.data.sources import AttributeData
from rtcnn_perception.training.tasks.attributes.metrics import figures_of
from rtcnn_perception.training.tasks.attributes.predictor import load_predictor

MARKED = Path(__file__).with_suffix('.csv')
DATA = {
    'LFW, UTKFace': ('gender/gender_faces_112.npz',),
    'FairFace': ('gender/gender_fairface_a.npz', 'gender/gender_fairface_b.npz'),
}
YOUNGEST = 16
ATTRIBUTE = 'gender'


def lenses() -> dict[str, str]:
    """Return the lenses, clear or dark, by the name of the face."""
    with MARKED.open(encoding='utf-8', newline='') as file:
        return {row['face']: row['lenses'] for row in csv.DictReader(file)}


def is_grown(faces: FaceSet) -> np.ndarray:
    """Return (N,) whether a face has an age from YOUNGEST on, or none, as those of LFW."""
    age = faces.facts['age'].values
    return (age < 0) | (age >= YOUNGEST)


def rows(title: str, faces: FaceSet, probabilities: Probabilities) -> list[str]:
    """Return the rows of a table: all faces with each kind of lenses, and of each class."""
    marked = lenses()
    worn = np.array([marked.get(name, 'none') for name in faces.names])
    labels = faces.labels[ATTRIBUTE]
    lines = []
    for kind in ('none', 'clear', 'dark'):
        for group, which in (
            ('all', np.full(len(faces), fill_value=True)),
            *((label, labels.indices == number) for number, label in enumerate(labels.classes)),
        ):
            chosen = (worn == kind) & which
            of = figures_of(group, probabilities[chosen], labels.indices[chosen])
            low, high = of.interval
            lines.append(
                f'| {title} | {kind} | {group} | {of.faces} | {100 * of.accuracy:.1f} % '
                f'({100 * low:.1f} to {100 * high:.1f}) | {100 * of.surely_wrong:.1f} % |'
            )
    return lines


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument('model', type=Path, help='a model or a checkpoint')
    predictor = load_predictor(parser.parse_args().model)
    print('| data | lenses | faces | count | gender right | wrong with 0.9 and more |')
    print('| --- | --- | --- | --- | --- | --- |')
    for title, paths in DATA.items():
        splits = load_for_heads(
            {ATTRIBUTE: predictor.classes[ATTRIBUTE]},
            AttributeData(path=paths),
            predictor.geometry,
        )
        both = join(splits.part('val'), splits.part('test'))
        faces = both.take(is_grown(both))
        for line in rows(title, faces, predictor.probabilities(faces)[ATTRIBUTE]):
            print(line)


if __name__ == '__main__':
    main()
