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
Faces as hri_msgs has them (REP-155): regions, landmarks, expressions, soft biometrics.

This module alone names attributes: those that ROS4HRI has fields for.
"""

from __future__ import annotations

from collections.abc import Mapping
import re
from typing import Final

from hri_msgs.msg import Expression
from hri_msgs.msg import FacialLandmarks
from hri_msgs.msg import NormalizedPointOfInterest2D
from hri_msgs.msg import NormalizedRegionOfInterest2D
from hri_msgs.msg import SoftBiometrics
from rtcnn_perception.core.results import Attribute
from rtcnn_perception.core.results import AttributeInfo
from rtcnn_perception.core.results import Face
from rtcnn_perception.core.results import FrameResult
from rtcnn_perception.nodes.conversions.images import header_of

EMOTION, GENDER, AGE = 'emotion', 'gender', 'age'
"""The attributes that are published, where they are classified."""

EXPRESSIONS: Final[Mapping[str, tuple[str, float, float]]] = {
    'angry': ('angry', -0.51, 0.59),
    'disgust': ('disgusted', -0.60, 0.35),
    'fear': ('scared', -0.64, 0.60),
    'happy': ('happy', 0.81, 0.51),
    'sad': ('sad', -0.63, -0.27),
    'surprise': ('surprised', 0.40, 0.67),
    'neutral': ('neutral', 0.0, 0.0),
}
"""
Name, valence and arousal of each class; a class that is not here keeps its name, and is neutral.

Source: J. A. Russell and A. Mehrabian, Evidence for a three-factor theory of emotions, Journal of
Research in Personality 11, 1977: mean ratings of angry, disgusted, fearful, happy, sad, surprised.
"""

GENDERS: Final[Mapping[str, int]] = {
    'woman': 1,
    'female': 1,
    'man': 2,
    'male': 2,
}
"""The constants FEMALE and MALE of SoftBiometrics for each class; others are UNDEFINED, 0."""

BEYOND_LAST: Final = 10
"""Years above the lower bound of a class without an upper one, such as 60+."""

LANDMARKS: Final[Mapping[str, int]] = {
    'nose': 30,
    'right_mouth_corner': 48,
    'left_mouth_corner': 54,
    'right_eye': 68,
    'left_eye': 69,
}
"""Where a landmark stands in FacialLandmarks; eyes are the pupils."""

LANDMARK_COUNT: Final = 70


def has_expression(attributes: tuple[AttributeInfo, ...]) -> bool:
    """Return whether an expression can be published."""
    return any(each.name == EMOTION for each in attributes)


def has_biometrics(attributes: tuple[AttributeInfo, ...]) -> bool:
    """Return whether soft biometrics can be published."""
    return any(each.name in (GENDER, AGE) for each in attributes)


def roi_to_msg(face: Face, result: FrameResult) -> NormalizedRegionOfInterest2D:
    """Make the box of a face as shares of the image's width and height, the part inside it."""
    width, height = result.frame.size_wh
    x0, y0, x1, y1 = face.box.as_tuple()
    return NormalizedRegionOfInterest2D(
        header=header_of(result.frame),
        xmin=_share(x0, width),
        ymin=_share(y0, height),
        xmax=_share(x1, width),
        ymax=_share(y1, height),
        c=float(face.track.confidence),
    )


def landmarks_to_msg(face: Face, result: FrameResult) -> FacialLandmarks:
    """Make the landmarks of a face; c is 0 for what is unknown or outside the image."""
    width, height = result.frame.size_wh
    points = [NormalizedPointOfInterest2D() for _ in range(LANDMARK_COUNT)]
    rows = [] if face.landmarks is None else face.landmarks.tolist()
    for name, (x, y) in zip(result.landmark_names, rows, strict=False):
        if name in LANDMARKS and 0.0 <= x <= width and 0.0 <= y <= height:
            point = points[LANDMARKS[name]]
            point.x, point.y, point.c = x / width, y / height, float(face.track.confidence)
    return FacialLandmarks(
        header=header_of(result.frame), landmarks=points, height=height, width=width
    )


def expression_to_msg(face: Face, result: FrameResult) -> Expression | None:
    """
    Make the expression of a face; None where it has no label.

    Valence and arousal are means over the classes by their smoothed probabilities.
    """
    attribute = face.attributes.get(EMOTION)
    if attribute is None or not attribute.label:
        return None
    valence = arousal = 0.0
    for label, probability in _probabilities(attribute, _labels(result, EMOTION)):
        _, pleasure, excitement = EXPRESSIONS.get(label, (label, 0.0, 0.0))
        valence += probability * pleasure
        arousal += probability * excitement
    name, _, _ = EXPRESSIONS.get(attribute.label, (attribute.label, 0.0, 0.0))
    return Expression(
        header=header_of(result.frame),
        expression=name,
        valence=valence,
        arousal=arousal,
        confidence=float(attribute.confidence),
    )


def biometrics_to_msg(face: Face, result: FrameResult) -> SoftBiometrics:
    """
    Make the soft biometrics of a face.

    The age is the mean of the classes' middles by their smoothed probabilities, 0 with confidence
    0 where ages are not classified; the gender is undefined where it has no label.
    """
    msg = SoftBiometrics(header=header_of(result.frame))
    age = face.attributes.get(AGE)
    if age is not None and age.label:
        rows = [*_probabilities(age, _labels(result, AGE))]
        years = sum(probability * (years_of(label) or 0.0) for label, probability in rows)
        if all(years_of(label) is not None for label, _ in rows):
            msg.age, msg.age_confidence = min(round(years), 255), float(age.confidence)
    gender = face.attributes.get(GENDER)
    if gender is not None and gender.label in GENDERS:
        msg.gender, msg.gender_confidence = GENDERS[gender.label], float(gender.confidence)
    return msg


def years_of(label: str) -> float | None:
    """Return the middle of a class such as 20-39, 60+ or 7, in years; None for another one."""
    match = re.fullmatch(r'(\d+)(?:-(\d+)|(\+))?', label)
    if match is None:
        return None
    low, high, is_open = match.groups()
    if is_open:
        return float(low) + BEYOND_LAST
    # A person is 39 until the 40th birthday.
    return (float(low) + float(high or low) + 1.0) / 2.0


def _labels(result: FrameResult, name: str) -> tuple[str, ...]:
    return next((each.labels for each in result.attributes if each.name == name), ())


def _probabilities(attribute: Attribute, labels: tuple[str, ...]) -> list[tuple[str, float]]:
    return list(zip(labels, attribute.probabilities.tolist(), strict=False))


def _share(value: float, size: int) -> float:
    return min(max(value / size, 0.0), 1.0)
