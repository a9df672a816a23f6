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

"""The node that classifies the attributes of each face."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rtcnn_perception.core.attributes.classifier import AttributeClassifier
from rtcnn_perception.core.attributes.classifier import Classifier
from rtcnn_perception.core.attributes.classifier import model_paths
from rtcnn_perception.core.attributes.labels import SkipRule
from rtcnn_perception.core.attributes.smoothing import TrackSmoother
from rtcnn_perception.core.frame import Frame
from rtcnn_perception.core.pipeline import ClassificationStage
from rtcnn_perception.core.pose.stage import PoseStage
from rtcnn_perception.core.results import AttributeInfo
from rtcnn_perception.core.results import FrameResult
from rtcnn_perception.core.saliency.model import TARGET_NAMES
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.exceptions import ImageFormatError
from rtcnn_perception.exceptions import PerceptionError
from rtcnn_perception.msg import FaceAttributes
from rtcnn_perception.msg import FaceRois
from rtcnn_perception.nodes.conversions.faces import attributes_to_msg
from rtcnn_perception.nodes.conversions.faces import result_from_rois
from rtcnn_perception.nodes.conversions.faces import rois_from_bytes
from rtcnn_perception.nodes.conversions.images import frame_from_image
from rtcnn_perception.nodes.conversions.images import stamp_ns_of
from rtcnn_perception.nodes.diagnostics import Finding
from rtcnn_perception.nodes.diagnostics import WARN
from rtcnn_perception.nodes.host import run_nodes
from rtcnn_perception.nodes.parameters.classifier import ALL
from rtcnn_perception.nodes.parameters.classifier import ClassifierParameters
from rtcnn_perception.nodes.parameters.names import node_name
from rtcnn_perception.nodes.pose.inputs import PoseInputs
from rtcnn_perception.nodes.publishers import AnnotatedPublisher
from rtcnn_perception.nodes.publishers import SaliencyPublisher
from rtcnn_perception.nodes.qos import RESULTS
from rtcnn_perception.nodes.subscriptions.losses import lost_text
from rtcnn_perception.nodes.subscriptions.stamp_join import StampJoin
from rtcnn_perception.nodes.subscriptions.topic import Topic
from rtcnn_perception.nodes.worker import WorkerNode
from rtcnn_perception.one_line import bounded
from rtcnn_perception.resources import models_search_path
from sensor_msgs.msg import Image


class ClassifierNode(WorkerNode[ClassifierParameters, FrameResult]):
    """
    Classify the faces of each frame and publish the result, also when there is no face.

    :param classifier: used instead of the one that the parameters name
    :param on_output: called in this node's thread after each publication, with what was published
    :param is_composed: whether frames come by ``submit`` alone, and not over ``faces/image`` and
        ``faces/rois``
    """

    def __init__(
        self,
        *,
        classifier: Classifier | None = None,
        on_output: Callable[[FrameResult], None] | None = None,
        is_composed: bool = False,
        **node_kwargs: Any,
    ) -> None:
        super().__init__(node_name(ClassifierParameters), ClassifierParameters, **node_kwargs)
        self._given = classifier
        self._on_output = on_output
        self._is_composed = is_composed
        self._attributes: tuple[AttributeInfo, ...] = ()
        self._labels: Mapping[str, tuple[str, ...]] = {}  # of all that is predicted
        self._smoother = TrackSmoother(self.parameters.smoothing.time_constant)
        self._stage: ClassificationStage | None = None
        self._pose = PoseStage(self.parameters.pose.config)
        self._pose_inputs: PoseInputs | None = None
        self._join: StampJoin[Frame, FaceRois] = StampJoin(self.parameters.join_frames)
        self._rois: Topic | None = None
        self._rois_without_image = 0  # at the last diagnostics
        self._publisher = self.create_publisher(FaceAttributes, 'faces/attributes', RESULTS)
        self._annotated = AnnotatedPublisher(self)
        self._saliency = SaliencyPublisher(self)

    @property
    def dropped(self) -> int:
        """Return the number of frames that were dropped here since the node was activated."""
        return super().dropped + self._join.frames_dropped

    def _configure(self) -> None:
        wanted, session = self.parameters, self.parameters.classifier
        if self._given is not None:
            classifier, paths = self._given, {}
        else:
            paths = model_paths(wanted.attributes, wanted.model_paths, models_search_path())
            loaded = AttributeClassifier.load(
                paths, session.threads, session.allow_spinning, session.precision
            )
            for note in loaded.precision_notes:
                self.get_logger().info(bounded(note))
            self._labels = loaded.labels
            classifier = loaded
        self._attributes = classifier.attributes
        self._warn_of_rules(wanted.label.config.skip_where)
        self._stage = ClassificationStage(classifier, self._smoother, wanted.label.config)
        self._saliency.prepare(paths, session)
        models = ', '.join(f'{each.name} by {each.model}' for each in self._attributes)
        self.get_logger().info(bounded(f'classifying {models or "no attribute"}'))
        super()._configure()

    def _activate(self) -> None:
        super()._activate()
        if self._stage is not None:
            self._stage.restart()
        self._pose.restart()
        if self.parameters.pose.enabled:
            self._pose_inputs = PoseInputs(self, self.parameters.pose, clock=self._now)
        self._join = StampJoin(self.parameters.join_frames)
        self._rois_without_image = 0
        self._start_worker()
        if not self._is_composed:
            self._subscribe_to_images(Image, 'faces/image', self._on_image, self.parameters.qos)
            self._rois = self._subscribe(FaceRois, 'faces/rois', self._on_rois)

    def _deactivate(self) -> None:
        super()._deactivate()
        if self._pose_inputs is not None:
            self._pose_inputs.close()
            self._pose_inputs = None
        self._join.clear()

    def _cleanup(self) -> None:
        self._stage = None
        self._attributes = ()
        self._saliency.release()

    def _check_parameters(self, parameters: ClassifierParameters) -> None:
        if self._stage is None:
            return
        names = (ALL, *(each.name for each in self._attributes))
        targets = (*TARGET_NAMES, *(label for each in self._attributes for label in each.labels))
        for name, value, allowed in (
            ('saliency.attribute', parameters.saliency.attribute, names),
            ('saliency.target', parameters.saliency.target, targets),
        ):
            if value not in allowed:
                raise ConfigurationError(
                    f'parameter {name} must be one of {", ".join(allowed)}, got {value!r}'
                )

    def _apply(self, parameters: ClassifierParameters) -> None:
        self._smoother.time_constant = parameters.smoothing.time_constant
        self._pose.config = parameters.pose.config
        if self._stage is not None:
            before, self._stage.label_config = self._stage.label_config, parameters.label.config
            if before.skip_where != parameters.label.config.skip_where:
                self._warn_of_rules(parameters.label.config.skip_where)

    def _warn_of_rules(self, rules: Iterable[SkipRule]) -> None:
        asked = {each.name for each in self._attributes}
        for rule in rules:
            why = rule.attribute in asked and rule.never_holds(self._labels)
            if why:
                self.get_logger().warning(bounded(f'label.skip_where: {why}'))

    def _findings(self) -> Iterator[Finding]:
        if self._pose_inputs is not None:
            yield from self._pose_inputs.findings()
        before, self._rois_without_image = self._rois_without_image, self._join.faces_dropped
        if self._rois_without_image > before:
            yield Finding(
                WARN,
                f'{self._rois_without_image - before} rois arrived whose image was lost or '
                'dropped: if detection takes long, raise join_frames',
            )
        yield from super()._findings()

    @property
    def _takes(self) -> str:
        return 'image' if self._is_composed else 'image with its rois'

    def _why_silent(self) -> str:
        limit = self.parameters.image_timeout
        if self._images is None or self._rois is None or self._images.silent_for > limit:
            return super()._why_silent()
        if self._rois.silent_for > limit:
            return f'images come, but {self._rois.why_silent(RESULTS)}'
        return f'{self._images.topic} and {self._rois.name} come, but never with the same stamp'

    def _measured(self) -> dict[str, str]:
        return {
            **{f'{each.name} model': each.model for each in self._attributes},
            **super()._measured(),
            'rois without image': str(self._join.faces_dropped),
            **({} if self._rois is None else {'rois lost': lost_text(self._rois.losses.lost)}),
            **({'head pose': 'off'} if self._pose_inputs is None else self._pose_inputs.measured),
        }

    def _on_image(self, msg: Image) -> None:
        received_ns = self.get_clock().now().nanoseconds
        try:
            frame = frame_from_image(msg, received_ns=received_ns)
            if frame.stamp_ns == 0:
                raise ImageFormatError(
                    'expected a stamped image, got one with stamp 0, which cannot be joined with '
                    'its rois: let the camera stamp its images, or run all nodes in one process '
                    '(composed:=true)'
                )
        except PerceptionError as error:
            self._report(error)
            return
        self._submit_pair(self._join.put_frame(frame.stamp_ns, frame, frame.image.nbytes))

    def _on_rois(self, data: bytes) -> None:
        try:
            msg = rois_from_bytes(data)
            stamp_ns = stamp_ns_of(msg.header)
        except PerceptionError as error:
            self._report(error)
            return
        if stamp_ns:  # rois without one belong to an image that is reported
            self._submit_pair(self._join.put_faces(stamp_ns, msg))

    def _submit_pair(self, pair: tuple[Frame, FaceRois] | None) -> None:
        if pair is None:
            return
        frame, rois = pair
        try:
            self.submit(result_from_rois(rois, frame, self._report))
        except PerceptionError as error:
            self._report(error)

    def _work(self, result: FrameResult, /) -> None:
        stage = self._stage
        if stage is None:
            return
        dropped = result.frames_dropped + self.dropped
        classified = self._posed(stage.process(replace(result, frames_dropped=dropped)))
        latency = self._latency(result.frame)
        classified = replace(classified, latency_s=latency)
        if self._publisher.get_subscription_count():
            self._publisher.publish(attributes_to_msg(classified))
        self._count_published(classified.classify_s, latency)
        if self._on_output is not None:
            self._on_output(classified)
        self._annotated.publish(classified, self.parameters.annotation)
        self._saliency.publish(classified, self.parameters.saliency)

    def _posed(self, result: FrameResult) -> FrameResult:
        """Add the poses of the heads; what keeps them away costs nothing else."""
        inputs = self._pose_inputs
        if inputs is None:
            return result
        try:
            camera, depth = inputs.of(result, self.parameters.pose, self._report)
            return result if camera is None else self._pose.process(result, camera, depth)
        except Exception as error:  # noqa: BLE001 - reported and counted; attributes go on
            self._report(error)
            return result


def main(args: list[str] | None = None) -> int:
    """Run the node until it is stopped."""
    return run_nodes('classifier_node', (ClassifierParameters,), lambda: (ClassifierNode(),), args)
