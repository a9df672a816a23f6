"""The stage that adds the poses of heads to the faces of a frame."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
import math

from rtcnn_perception.core.pose.estimate import PoseEstimator
from rtcnn_perception.core.pose.head_model import PUPIL_DISTANCE
from rtcnn_perception.core.pose.head_pose import HeadPose
from rtcnn_perception.core.pose.intrinsics import Intrinsics
from rtcnn_perception.core.pose.looking import angle_to_camera
from rtcnn_perception.core.pose.looking import is_looking
from rtcnn_perception.core.pose.looking import looking_score
from rtcnn_perception.core.pose.looking import LookingConfig
from rtcnn_perception.core.pose.smoothing import PoseTrack
from rtcnn_perception.core.results import Face
from rtcnn_perception.core.results import FrameResult
from rtcnn_perception.exceptions import ConfigurationError


@dataclass(frozen=True, slots=True)
class PoseConfig:
    """
    How poses are estimated.

    :param pupil_distance: of the heads that are seen [m]
    :param smoothing: seconds of the average of a head that rests; 0 for none
    :raises ConfigurationError: if a value is out of range
    """

    pupil_distance: float = PUPIL_DISTANCE
    smoothing: float = 0.2
    looking: LookingConfig = field(default_factory=LookingConfig)

    def __post_init__(self) -> None:
        if not 0.0 < self.pupil_distance < math.inf:
            raise ConfigurationError(
                f'pupil_distance must be above 0, in metres, got {self.pupil_distance}'
            )
        if not 0.0 <= self.smoothing < math.inf:
            raise ConfigurationError(
                f'smoothing must be 0 or above, in seconds, got {self.smoothing}'
            )


class PoseStage:
    """
    Estimate the pose of each face, and smooth it over its track.

    A coasted face keeps its last pose for a second, with a covariance that grows: what lies in its
    predicted box may be something else. ``config`` may be set while frames are processed. What is
    kept is that of the faces of the last frame alone.
    """

    def __init__(self, config: PoseConfig | None = None) -> None:
        self._tracks: dict[int, PoseTrack] = {}
        self.config = config or PoseConfig()

    @property
    def config(self) -> PoseConfig:
        """How poses are estimated."""
        return self._config

    @config.setter
    def config(self, config: PoseConfig) -> None:
        self._config = config
        self._estimator = PoseEstimator(config.pupil_distance)

    def restart(self) -> None:
        """Forget every track, as after a pause."""
        self._tracks = {}

    def process(self, result: FrameResult, camera: Intrinsics) -> FrameResult:
        """
        Add the poses to the faces.

        :param camera: of the frame's image, with its size
        """
        before, self._tracks = self._tracks, {}
        seen = [face for face in result.faces if not face.is_coasted]
        regions = [result.region(face) for face in seen]
        found = dict(
            zip(
                (face.track_id for face in seen),
                self._estimator.estimate(regions, camera),
                strict=True,
            )
        )
        now = result.frame.time
        faces = tuple(
            replace(face, pose=self._next(face, found.get(face.track_id), before, now))
            for face in result.faces
        )
        return replace(result, faces=faces)

    def _next(
        self, face: Face, found: HeadPose | None, before: dict[int, PoseTrack], now: float
    ) -> HeadPose | None:
        """Return the smoothed pose of a face, and keep its track."""
        track = before.get(face.track_id)
        if track is not None and not track.is_continued(now):
            track = None
        if found is None:
            if track is None:
                return None
            self._tracks[face.track_id] = track
            return track.held(now)
        was_looking = track is not None and track.pose.is_looking
        if track is None:
            track = PoseTrack(found, now)
        else:
            track.update(found, now, self._config.smoothing)
        self._tracks[face.track_id] = track
        track.pose = self._looked(track.pose, was_looking)
        return track.pose

    def _looked(self, pose: HeadPose, was_looking: bool) -> HeadPose:
        if pose.rotation is None:
            return replace(pose, looking=0.0, is_looking=False)
        angle = angle_to_camera(pose.position, pose.rotation)
        return replace(
            pose,
            looking=looking_score(angle),
            is_looking=is_looking(angle, was_looking, self._config.looking),
        )
