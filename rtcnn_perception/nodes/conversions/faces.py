"""Faces between messages and the core."""

from __future__ import annotations

import array
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

from geometry_msgs.msg import Point32
import numpy as np
from rtcnn_perception.core.arrays import Landmarks
from rtcnn_perception.core.arrays import Probabilities
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.pipeline import FacesInFrame
from rtcnn_perception.core.pipeline import Frame
from rtcnn_perception.core.pipeline import JudgedFace
from rtcnn_perception.core.pipeline import JudgedFrame
from rtcnn_perception.core.tracking.tracker import Track
from rtcnn_perception.core.tracking.tracker import TrackState
from rtcnn_perception.exceptions import PerceptionError
from rtcnn_perception.msg import ClassDistribution
from rtcnn_perception.msg import Face
from rtcnn_perception.msg import FaceAttributes
from rtcnn_perception.msg import FaceRoi
from rtcnn_perception.msg import FaceRois
from rtcnn_perception.nodes.conversions.images import header_of
from rtcnn_perception.nodes.conversions.images import since_stamp_ms
from sensor_msgs.msg import RegionOfInterest

UINT32 = 0xFFFF_FFFF


def rois_to_msg(found: FacesInFrame) -> FaceRois:
    """Say where the faces of a frame are."""
    width, height = found.frame.size_wh
    return FaceRois(
        header=header_of(found.frame),
        image_width=width,
        image_height=height,
        detector=found.detector,
        rois=[_track_to_msg(track, found.frame) for track in found.tracks],
        detect_ms=found.detect_s * 1e3,
    )


def tracks_from_rois(
    msg: FaceRois, frame: Frame, reject: Callable[[PerceptionError], None]
) -> tuple[Track, ...]:
    """
    Read where the faces of a frame are.

    :param reject: called for each roi that cannot be one of this frame; the others remain
    :raises PerceptionError: if the rois are those of an image of another size
    """
    if (msg.image_width, msg.image_height) != frame.size_wh:
        raise PerceptionError(
            f'rois of an image of {msg.image_width}x{msg.image_height} for one of '
            f'{frame.size_wh[0]}x{frame.size_wh[1]}: are both of the same camera?'
        )
    tracks = []
    for roi in msg.rois:
        try:
            tracks.append(_track_from_msg(roi, frame))
        except PerceptionError as error:  # noqa: PERF203 - one bad roi must not cost the others
            reject(error)
    return tuple(tracks)


def attributes_to_msg(
    judged: JudgedFrame,
    *,
    labels: Mapping[str, tuple[str, ...]],
    model_tags: Mapping[str, str],
    published_ns: int,
) -> FaceAttributes:
    """
    Say what was seen in the faces of a frame.

    :param labels: by attribute, in the order of the probabilities; none for one that is off
    :param model_tags: name and short sha256 by attribute
    :param published_ns: the present time, in the clock of the frame
    """
    found = judged.faces_in_frame
    frame = found.frame
    width, height = frame.size_wh
    return FaceAttributes(
        header=header_of(frame),
        image_width=width,
        image_height=height,
        emotion_labels=list(labels.get('emotion', ())),
        gender_labels=list(labels.get('gender', ())),
        detector=found.detector,
        emotion_model=model_tags.get('emotion', ''),
        gender_model=model_tags.get('gender', ''),
        faces=[_face_to_msg(face, frame, labels) for face in judged.faces],
        input_age_ms=since_stamp_ms(frame, frame.received_ns),
        detect_ms=found.detect_s * 1e3,
        classify_ms=judged.classify_s * 1e3,
        total_ms=since_stamp_ms(frame, published_ns),
        frames_dropped=found.frames_dropped & UINT32,
    )


def _floats_of(values: Probabilities) -> array.array[float]:
    return array.array('f', np.ascontiguousarray(values, dtype=np.float32).tobytes())


def _track_to_msg(track: Track, frame: Frame) -> FaceRoi:
    landmarks = () if track.landmarks is None else track.landmarks.tolist()
    return FaceRoi(
        track_id=track.track_id,
        roi=_box_to_msg(track.box, frame),
        confidence=float(track.confidence),
        landmarks=[Point32(x=float(x), y=float(y), z=0.0) for x, y in landmarks],
        track_state=track.state.value,
        track_age=track.age,
    )


def _box_to_msg(box: BoundingBox, frame: Frame) -> RegionOfInterest:
    width, height = frame.size_wh
    # A box narrower than a pixel still covers one.
    x0, y0 = min(max(round(box.x0), 0), width - 1), min(max(round(box.y0), 0), height - 1)
    x1, y1 = max(min(round(box.x1), width), x0 + 1), max(min(round(box.y1), height), y0 + 1)
    return RegionOfInterest(
        x_offset=x0, y_offset=y0, width=x1 - x0, height=y1 - y0, do_rectify=False
    )


def _track_from_msg(msg: FaceRoi, frame: Frame) -> Track:
    roi, (width, height) = msg.roi, frame.size_wh
    right, bottom = roi.x_offset + roi.width, roi.y_offset + roi.height
    if roi.width < 1 or roi.height < 1 or right > width or bottom > height:
        raise PerceptionError(
            f'a roi of {roi.width}x{roi.height} at {roi.x_offset}, {roi.y_offset} '
            f'does not lie within an image of {width}x{height}'
        )
    if not 0.0 <= msg.confidence <= 1.0 or len(msg.landmarks) not in (0, 5):
        raise PerceptionError(
            f'a roi needs a confidence in [0, 1] and no or 5 landmarks, '
            f'got {msg.confidence} and {len(msg.landmarks)}'
        )
    if msg.track_state not in {state.value for state in TrackState}:
        raise PerceptionError(f'a roi has an unknown track state {msg.track_state}')
    return Track(
        track_id=msg.track_id,
        box=BoundingBox.from_xywh(roi.x_offset, roi.y_offset, roi.width, roi.height),
        confidence=msg.confidence,
        landmarks=_landmarks_from_msg(msg.landmarks),
        state=TrackState(msg.track_state),
        age=msg.track_age,
    )


def _landmarks_from_msg(points: list[Any]) -> Landmarks | None:
    if not points:
        return None
    return np.array([(point.x, point.y) for point in points], dtype=np.float32)


def _face_to_msg(face: JudgedFace, frame: Frame, labels: Mapping[str, tuple[str, ...]]) -> Face:
    return Face(
        roi=_track_to_msg(face.track, frame),
        crop=_box_to_msg(face.crop, frame),
        emotion=_distribution_to_msg(face, 'emotion', labels),
        gender=_distribution_to_msg(face, 'gender', labels),
        crop_quality=float(face.quality),
    )


def _distribution_to_msg(
    face: JudgedFace, attribute: str, labels: Mapping[str, tuple[str, ...]]
) -> ClassDistribution:
    smoothed = face.smoothed.get(attribute)
    if smoothed is None:
        return ClassDistribution()
    best = int(smoothed.argmax())
    return ClassDistribution(
        label=labels[attribute][best],
        confidence=float(smoothed[best]),
        probabilities=_floats_of(smoothed),
        raw_probabilities=_floats_of(face.raw[attribute]),
    )
