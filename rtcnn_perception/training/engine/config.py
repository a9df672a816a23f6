"""
What a training run is: a TOML file with only what differs from the defaults here.

Python 3.10 has no ``tomllib``; the extra ``training`` brings ``tomli`` there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import field
from dataclasses import fields
from dataclasses import is_dataclass
from pathlib import Path
import sys
from typing import Any
from typing import get_args
from typing import get_origin
from typing import get_type_hints
from typing import TypeVar

from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.paths import is_file
from rtcnn_perception.training.data.augmentation import AugmentationConfig
from rtcnn_perception.training.engine.ranges import AtLeastOne
from rtcnn_perception.training.engine.ranges import BelowOne
from rtcnn_perception.training.engine.ranges import check_ranges
from rtcnn_perception.training.engine.ranges import Count
from rtcnn_perception.training.engine.ranges import NotNegative
from rtcnn_perception.training.engine.ranges import Positive
from rtcnn_perception.training.engine.ranges import Seed
from rtcnn_perception.training.engine.ranges import Share

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

T = TypeVar('T')

SHIPPED = Path(__file__).parents[1] / 'configs'
"""The folder of the configurations that ship."""


@dataclass(frozen=True)
class DataConfig:
    """
    Which data; a path that is not found is sought below the data folder as well.

    ``emotion`` may be an .npz file, a ``fer2013.csv`` or a folder with one folder for each class;
    ``gender`` an .npz file, a folder of UTKFace files or one with a folder for each class.
    ``emotion_votes`` is FER+'s csv beside ``fer2013.csv``. ``unlabelled`` is data of either
    attribute, of which the part to train with is shown without labels: a teacher has some.
    """

    emotion: str = ''
    emotion_votes: str = ''
    gender: str = ''
    unlabelled: str = ''

    def __post_init__(self) -> None:
        """Ask for at least one attribute, and for what votes are of."""
        if not self.emotion and not self.gender:
            raise ConfigurationError('[data] must name emotion or gender data, or both')
        if self.emotion_votes and not self.emotion:
            raise ConfigurationError('[data] names emotion_votes, but no emotion data')


@dataclass(frozen=True)
class LossConfig:
    """
    What a network is punished for.

    ``votes`` is the share of FER+'s distribution in the emotion target, the rest is FER-2013's
    label; with ``votes_head`` each is learnt by a head of its own, and what the heads say is mixed
    by that share. ``balance`` 1 weighs classes as if all were equally frequent, 0 as they come.
    ``teacher`` is a checkpoint or the folder of an exported model, or several of them, separated
    by commas, whose mean answer counts ``distillation`` of the loss, at ``temperature``; with
    ``teacher_mirror`` it is their mean over a face and its mirror image, which costs them as much
    again. With ``teacher_rounds`` above 0 augmentation repeats after so many epochs, and what they
    said is kept: they cost no more then. With ``teacher_once`` they are asked once, of each face
    as it is cut for use, and augmentation need not repeat.
    """

    votes: Share = 0.5
    votes_head: bool = False
    label_smoothing: BelowOne = 0.0
    balance: Share = 0.0
    teacher: str = ''
    distillation: Share = 0.0
    temperature: Positive = 2.0
    teacher_mirror: bool = False
    teacher_rounds: Count = 0
    teacher_once: bool = False

    def __post_init__(self) -> None:
        """Refuse numbers out of their ranges, and a teacher that would teach nothing."""
        check_ranges(self)
        if self.teacher and not self.distillation:
            raise ValueError('with a teacher, distillation must be above 0, got 0')
        if (self.teacher_rounds or self.teacher_once) and not self.teacher:
            raise ValueError(
                'teacher_rounds and teacher_once keep what a teacher says, '
                'so teacher must name one'
            )
        if self.teacher_rounds and self.teacher_once:
            raise ValueError('of teacher_rounds and teacher_once one at most may be given')


@dataclass(frozen=True)
class TrainConfig:
    """
    A training run.

    ``seed`` chooses first weights, order and augmentation, and not which faces are held out.
    ``patience`` is in epochs, 0 never stops early; ``average`` is the decay of averaged weights.
    ``start_from`` is a checkpoint, or the folder of an exported model, of the same architecture,
    or published weights: what to begin with; heads it lacks begin at random, one for votes as
    the one for labels.
    After ``ease_from`` epochs, if above 0, augmentation is half as strong.
    """

    name: str
    architecture: str
    data: DataConfig
    crop: CropGeometry = field(default_factory=lambda: CropGeometry(0.0))
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    epochs: AtLeastOne = 30
    batch_size: AtLeastOne = 128
    learning_rate: Positive = 2e-3
    warmup_epochs: NotNegative = 1.0
    weight_decay: NotNegative = 0.0
    average: BelowOne = 0.999
    patience: Count = 0
    seed: Seed = 1
    start_from: str = ''
    ease_from: Count = 0

    def __post_init__(self) -> None:
        """Refuse numbers out of their ranges, and faces of which nothing could be learnt."""
        check_ranges(self)
        if self.data.unlabelled and not self.loss.teacher:
            raise ValueError('[data] names unlabelled faces, so [loss] must name a teacher')
        if self.loss.teacher_rounds and self.ease_from:
            raise ValueError(
                'with teacher_rounds augmentation must not change: ease_from must be 0'
            )
        if self.loss.teacher_once and self.augmentation.mix_share:
            raise ValueError(
                'with teacher_once no teacher sees faces that lie over each other: '
                'mix_share must be 0'
            )

    def augmentation_at(self, epoch: int) -> AugmentationConfig:
        """Return how strong augmentation is when ``epoch`` epochs are done."""
        is_eased = 0 < self.ease_from <= epoch
        return self.augmentation.scaled(0.5) if is_eased else self.augmentation

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, as a checkpoint keeps them."""
        return asdict(self)


def from_mapping(kind: type[T], values: Mapping[str, Any], where: str) -> T:
    """
    Build a configuration from plain values; unknown keys and wrong types are refused.

    :raises ConfigurationError: naming the key, what was expected and what came
    """
    if not is_dataclass(kind):
        raise TypeError(f'{kind} is no dataclass')
    hints = get_type_hints(kind)
    known = {f.name for f in fields(kind)}
    for key in values:
        if key not in known:
            raise ConfigurationError(
                f'{where} has the unknown key {key!r}; known are {", ".join(sorted(known))}'
            )
    arguments: dict[str, Any] = {
        key: _value(hints[key], value, f'{where}.{key}') for key, value in values.items()
    }
    try:
        return kind(**arguments)
    except TypeError as error:
        raise ConfigurationError(f'{where} is incomplete: {error}') from error
    except ValueError as error:
        raise ConfigurationError(f'{where}: {error}') from error


def _value(kind: type, value: object, where: str) -> object:
    """Check one value against its type."""
    if is_dataclass(kind):
        if not isinstance(value, Mapping):
            raise ConfigurationError(f'{where} must be a table, got {value!r}')
        return from_mapping(kind, value, where)
    if get_origin(kind) is tuple:
        if not isinstance(value, (list, tuple)):
            raise ConfigurationError(f'{where} must be a list, got {value!r}')
        return tuple(_value(get_args(kind)[0], each, where) for each in value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise ConfigurationError(f'{where} must be {kind.__name__}, got {value!r}')
    return value


def load_config(path: Path) -> TrainConfig:
    """
    Read a training configuration.

    :raises ConfigurationError: if the file is missing, is no TOML, or has a wrong key or value
    """
    return from_mapping(TrainConfig, read_toml(path), path.name)


def read_toml(path: Path) -> dict[str, Any]:
    """
    Read a TOML file.

    :raises ConfigurationError: if the file is missing or is no TOML
    """
    try:
        return tomllib.loads(path.read_text(encoding='utf-8'))
    except OSError as error:
        shipped = ', '.join(sorted(file.stem for file in SHIPPED.glob('*.toml')))
        raise ConfigurationError(
            f'cannot read the configuration {path} ({error.strerror}); expected a TOML file, or '
            f'the name of one that ships: {shipped}'
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f'{path} is no TOML: {error}') from error


def find_config(name: Path) -> Path:
    """
    Return the path as given, or the configuration of that name that ships with the package.

    A name with a suffix or a folder is a path, and a file goes before what ships.
    """
    is_bare = name.name == str(name) and not name.suffix
    shipped = SHIPPED / f'{name}.toml'
    return shipped if is_bare and not is_file(name) and shipped.is_file() else name
