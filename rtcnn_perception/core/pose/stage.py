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

"""The stage that adds the poses of heads to the faces of a frame."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
import math
from typing import NamedTuple

from rtcnn_perception.core.forward_clock import ForwardClock
from rtcnn_perception.core.pose.depth import DepthHistory
from rtcnn_perception.core.pose.depth import reading_of
from rtcnn_perception.core.pose.depth import with_ratio
from rtcnn_perception.core.pose.depth_image import DepthImage
from rtcnn_perception.core.pose.estimate import Estimate
from rtcnn_perception.core.pose.estimate import PoseEstimator
from rtcnn_perception.core.pose.head_model import PUPIL_DISTANCE
from rtcnn_perception.core.pose.head_pose import HeadPose
from rtcnn_perception.core.pose.intrinsics import Intrinsics
from rtcnn_perception.core.pose.looking import angle_to_camera
from rtcnn_perception.core.pose.looking import is_looking
from rtcnn_perception.core.pose.looking import looking_score
from rtcnn_perception.core.pose.looking import LookingConfig
from rtcnn_perception.core.pose.smoothing import PoseTrack
from rtcnn_perception.core.pose.solve import Solution
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


class _Head(NamedTuple):
    """What is kept of a head from picture to picture."""

    track: PoseTrack
    solution: Solution | None
    depth: DepthHistory
    was_looking: bool  # when last there was an orientation


class PoseStage:
    """
    Estimate the pose of each face, and smooth it over its track.

    A coasted face keeps its last pose for a second, with a covariance that grows: what lies in its
    predicted box may be something else. ``config`` may be set while frames are processed. What is
    kept is that of the faces of the last frame alone.
    """

    def __init__(self, config: PoseConfig | None = None) -> None:
        self._tracks: dict[int, _Head] = {}
        self._stamps = ForwardClock()
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

    def process(
        self, result: FrameResult, camera: Intrinsics, depth: DepthImage | None = None
    ) -> FrameResult:
        """
        Add the poses to the faces.

        :param camera: of the frame's image, with its size
        :param depth: of the same pixels, where it is known
        """
        self._stamps.advance(result.frame.time)
        now = self._stamps.now
        followed, self._tracks = self._tracks, {}
        seen = [face for face in result.faces if not face.is_coasted]
        heads = [followed.get(face.track_id) for face in seen]
        estimates = self._estimator.estimate(
            [result.region(face) for face in seen],
            camera,
            [None if head is None else head.solution for head in heads],
        )
        poses = {
            face.track_id: self._update(face, head, found, depth, now)
            for face, head, found in zip(seen, heads, estimates, strict=True)
            if found is not None
        }
        faces = []
        for face in result.faces:
            pose, last = poses.get(face.track_id), followed.get(face.track_id)
            if pose is None and last is not None:
                pose = last.track.held(now)
                if pose is not None:
                    self._tracks[face.track_id] = last
            faces.append(face if pose is None else replace(face, pose=pose))
        return replace(result, faces=tuple(faces))

    def _update(
        self,
        face: Face,
        head: _Head | None,
        found: Estimate,
        depth: DepthImage | None,
        now: float,
    ) -> HeadPose:
        """Keep what was found of a head, and return its smoothed pose."""
        pose, reading = found.pose, None
        if depth is not None:
            reading = reading_of(pose, face.box, depth, self._config.pupil_distance)
        if head is None:
            history = DepthHistory.after(None, reading, 0.0)
        else:
            history = DepthHistory.after(head.depth, reading, now - head.track.time)
        if history.ratio is not None:
            pose = with_ratio(pose, history.ratio)
        position, rotation, was_looking = pose.position, pose.rotation, False
        if head is None:
            track = PoseTrack(pose, now)
        else:
            track, was_looking = head.track, head.was_looking
            position, rotation = track.update(pose, now, self._config.smoothing)
        looking, state = 0.0, False
        if rotation is not None:
            angle = angle_to_camera(position, rotation)
            looking = looking_score(angle)
            state = was_looking = is_looking(angle, was_looking, self._config.looking)
        reason = history.implausible_reason
        track.pose = HeadPose(position, rotation, pose.covariance, looking, state, reason)
        self._tracks[face.track_id] = _Head(track, found.solution, history, was_looking)
        return track.pose
