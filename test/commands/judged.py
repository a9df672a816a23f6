"""Judged frames made by hand, for tests of what is made of them."""

import numpy as np
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.pipeline import FacesInFrame
from rtcnn_perception.core.pipeline import Frame
from rtcnn_perception.core.pipeline import JudgedFace
from rtcnn_perception.core.pipeline import JudgedFrame
from rtcnn_perception.core.tracking.tracker import Track
from rtcnn_perception.core.tracking.tracker import TrackState

LABELS = {'emotion': ('sad', 'happy'), 'gender': ('woman', 'man')}
SECOND = 1_000_000_000


def judged_face(track_id=1, emotion=0.9, gender=0.2, quality=0.5):
    """Make a face; ``emotion`` is the probability of happy, ``gender`` that of man, None none."""
    box = BoundingBox(10, 10, 30, 34)
    rows = {'emotion': emotion, 'gender': gender}
    smoothed = {
        name: np.array([1 - second, second], np.float32)
        for name, second in rows.items()
        if second is not None
    }
    track = Track(track_id, box, 0.9, None, TrackState.TRACKED, 3)
    return JudgedFace(track=track, crop=box, quality=quality, smoothed=smoothed, raw=smoothed)


def judged_frame(
    *faces, time=1.0, received=None, gray=100, size_hw=(48, 64), **took
) -> JudgedFrame:
    """Make a frame taken at ``time`` and received at ``received``, both in seconds."""
    frame = Frame(
        image=np.full((*size_hw, 3), gray, np.uint8),
        stamp_ns=round(time * SECOND),
        frame_id='camera_optical_frame',
        received_ns=round((time if received is None else received) * SECOND),
    )
    found = FacesInFrame(
        frame=frame,
        tracks=tuple(face.track for face in faces),
        detect_s=took.get('detect_s', 0.004),
        frames_dropped=0,
    )
    return JudgedFrame(
        faces_in_frame=found, faces=tuple(faces), classify_s=took.get('classify_s', 0.001)
    )
