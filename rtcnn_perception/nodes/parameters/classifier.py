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

"""Parameters of the classifier node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rtcnn_perception.core.attributes.card import EXPECTED_NAME
from rtcnn_perception.core.attributes.card import is_attribute_name
from rtcnn_perception.core.attributes.classifier import DEFAULT_ATTRIBUTES
from rtcnn_perception.core.attributes.labels import DEFAULT_SKIP_WHERE
from rtcnn_perception.core.attributes.labels import LabelConfig
from rtcnn_perception.core.attributes.labels import SkipRule
from rtcnn_perception.core.models.precision import AUTO
from rtcnn_perception.core.models.precision import PRECISIONS
from rtcnn_perception.core.saliency.names import METHODS
from rtcnn_perception.core.saliency.overlay import COLOR_MAPS
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.nodes.parameters.declaration import ReadAt
from rtcnn_perception.nodes.parameters.declaration import setting
from rtcnn_perception.nodes.parameters.declaration import setting_of_each
from rtcnn_perception.nodes.parameters.node import NodeParameters
from rtcnn_perception.nodes.parameters.node import PRECISION_DESCRIPTION
from rtcnn_perception.nodes.parameters.node import QOS_DESCRIPTION
from rtcnn_perception.nodes.parameters.pose import POSE
from rtcnn_perception.nodes.parameters.pose import PoseGroup
from rtcnn_perception.nodes.qos import QOS

_LABELS = LabelConfig()

ALL = 'all'
"""Of ``saliency.attribute``: every attribute that is classified."""


@dataclass(frozen=True)
class ClassifierGroup:
    """How the networks run."""

    threads: int = setting(1, 'threads of the networks', minimum=1, maximum=64)
    allow_spinning: bool = setting(
        False,
        'let those threads spin while they wait: a little faster, at the cost of whole cores',
    )
    precision: str = setting(AUTO, PRECISION_DESCRIPTION, choices=PRECISIONS)


@dataclass(frozen=True)
class SmoothingGroup:
    """Smoothing of probabilities over a track."""

    time_constant: float = setting(
        0.5,
        'time after which the weight of a frame has fallen to 1/e; 0 for no smoothing',
        unit='s',
        minimum=0.0,
        maximum=60.0,
        is_live=True,
    )


@dataclass(frozen=True)
class LabelGroup:
    """Labels; the probabilities do not depend on these."""

    margin: float = setting(
        _LABELS.margin,
        'a label changes when another class leads by so much, a difference of probabilities',
        minimum=0.0,
        maximum=1.0,
        is_live=True,
    )
    hold: float = setting(
        _LABELS.hold_s,
        'time for which another class must lead, and a label be unsure or sure again, to change',
        unit='s',
        minimum=0.0,
        maximum=60.0,
        is_live=True,
    )
    min_certainty: float = setting(
        _LABELS.min_certainty,
        'a label is unsure below this certainty: 0 where all classes are as probable, 1 where one '
        'has all',
        minimum=0.0,
        maximum=1.0,
        is_live=True,
    )
    empty_if_unsure: bool = setting(
        _LABELS.empty_if_unsure,
        'leave unsure labels empty in messages; pictures and logs say unsure in any case',
        is_live=True,
    )
    skip_where: tuple[str, ...] = setting(
        DEFAULT_SKIP_WHERE,
        'rules ATTRIBUTE if OTHER is LABEL, by which an attribute has no label on some faces; one '
        'on what no loaded model classifies has no effect, and one that never holds is warned of',
        is_live=True,
    )

    @property
    def config(self) -> LabelConfig:
        """Return the same for the core."""
        return LabelConfig(
            margin=self.margin,
            hold_s=self.hold,
            min_certainty=self.min_certainty,
            empty_if_unsure=self.empty_if_unsure,
            skip_where=tuple(map(SkipRule.parse, self.skip_where)),
        )

    def __post_init__(self) -> None:
        """Refuse rules that cannot be read."""
        try:
            tuple(map(SkipRule.parse, self.skip_where))
        except ConfigurationError as error:
            raise ConfigurationError(f'parameter label.skip_where: {error}') from error


@dataclass(frozen=True)
class AnnotationGroup:
    """Drawing on faces/image_annotated."""

    bars: bool = setting(
        True, 'draw a bar for each class of the first attribute with more than two', is_live=True
    )
    poses: bool = setting(
        True, 'draw how far heads are and where they point, where that is known', is_live=True
    )
    jpeg_quality: int = setting(
        80,
        'JPEG quality of faces/image_annotated/compressed',
        unit='percent',
        minimum=1,
        maximum=100,
        is_live=True,
    )


@dataclass(frozen=True)
class SaliencyGroup:
    """Saliency maps on faces/saliency and faces/saliency/mosaic."""

    method: str = setting(
        METHODS[0],
        'guided back-propagation, the plain gradient, or Grad-CAM',
        choices=METHODS,
        is_live=True,
    )
    attribute: str = setting(
        ALL,
        'attribute to explain, or all; the overlay on the image shows the first of them',
        is_live=True,
    )
    target: str = setting(
        'top',
        'score that the map is of: top (the most probable class), class_maps (the largest class '
        'map of each place), or the label of a class',
        is_live=True,
    )
    strength: float = setting(
        0.8,
        'opacity of the map over the image',
        minimum=0.0,
        maximum=1.0,
        is_live=True,
    )
    color_map: str = setting(
        'turbo', 'colours from weak to strong', choices=tuple(COLOR_MAPS), is_live=True
    )
    max_faces: int = setting(
        4,
        'maximum number of faces to explain, the largest first',
        unit='faces',
        minimum=1,
        maximum=64,
        is_live=True,
    )


@dataclass(frozen=True)
class ClassifierParameters(NodeParameters):
    """Classification of attributes."""

    qos: str = setting('auto', QOS_DESCRIPTION, choices=tuple(QOS), read_at=ReadAt.ACTIVATION)
    join_frames: int = setting(
        15,
        'maximum number of images that wait for their rois, if the detector is another process',
        unit='frames',
        minimum=1,
        maximum=300,
        read_at=ReadAt.ACTIVATION,
    )
    attributes: tuple[str, ...] = setting(
        DEFAULT_ATTRIBUTES,
        'attributes to classify, in the order in which they are published; one that is left out '
        'is neither loaded nor run',
    )
    model_paths: Mapping[str, str] = setting_of_each(
        'attribute',
        'attributes',
        'model_path',
        'model of one of the attributes: its folder, card or graph; empty for the one in the '
        'models folder of its own name, else in attributes, else the only one that classifies it',
    )
    classifier: ClassifierGroup = ClassifierGroup()
    smoothing: SmoothingGroup = SmoothingGroup()
    label: LabelGroup = LabelGroup()
    pose: PoseGroup = POSE
    annotation: AnnotationGroup = AnnotationGroup()
    saliency: SaliencyGroup = SaliencyGroup()

    def __post_init__(self) -> None:
        for name in self.attributes:
            if not is_attribute_name(name):
                raise ConfigurationError(
                    f'parameter attributes must be different names of {EXPECTED_NAME}, '
                    f'got {name!r}'
                )
        if len(set(self.attributes)) < len(self.attributes):
            raise ConfigurationError(
                f'parameter attributes must be different names, got {", ".join(self.attributes)}'
            )
