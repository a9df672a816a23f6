"""The node that judges the faces that were found."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from typing import Protocol

from rtcnn_perception.core.attributes.classifier import AttributeClassifier
from rtcnn_perception.core.attributes.smoothing import TrackSmoother
from rtcnn_perception.core.drawing.annotate import annotate
from rtcnn_perception.core.pipeline import ClassificationStage
from rtcnn_perception.core.pipeline import Classifier
from rtcnn_perception.core.pipeline import FacesInFrame
from rtcnn_perception.core.pipeline import Frame
from rtcnn_perception.core.pipeline import JudgedFrame
from rtcnn_perception.exceptions import ImageFormatError
from rtcnn_perception.exceptions import PerceptionError
from rtcnn_perception.msg import FaceAttributes
from rtcnn_perception.msg import FaceRois
from rtcnn_perception.nodes.annotated_publisher import AnnotatedPublisher
from rtcnn_perception.nodes.conversions.faces import attributes_to_msg
from rtcnn_perception.nodes.conversions.faces import tracks_from_rois
from rtcnn_perception.nodes.conversions.images import frame_from_image
from rtcnn_perception.nodes.conversions.images import since_stamp_ms
from rtcnn_perception.nodes.conversions.images import stamp_ns_of
from rtcnn_perception.nodes.diagnostics import Finding
from rtcnn_perception.nodes.diagnostics import WARN
from rtcnn_perception.nodes.host import run_nodes
from rtcnn_perception.nodes.parameters.tables import ClassifierParameters
from rtcnn_perception.nodes.parameters.tables import EmotionGroup
from rtcnn_perception.nodes.parameters.tables import GenderGroup
from rtcnn_perception.nodes.qos import RESULTS
from rtcnn_perception.nodes.saliency_publisher import SaliencyPublisher
from rtcnn_perception.nodes.stamp_join import StampJoin
from rtcnn_perception.nodes.working_node import WorkingNode
from rtcnn_perception.resources import models_directory
from sensor_msgs.msg import Image


class LabelledClassifier(Classifier, Protocol):
    """A classifier that says what its probabilities are of."""

    @property
    def labels(self) -> Mapping[str, tuple[str, ...]]:
        """The classes in order, by attribute."""
        ...

    @property
    def model_tags(self) -> Mapping[str, str]:
        """Name and short sha256 of the model, by attribute."""
        ...


class ClassifierNode(WorkingNode[ClassifierParameters, FacesInFrame]):
    """
    Judge the faces of each frame and publish what was seen, also when nobody is.

    :param classifier: instead of the one that the parameters name
    :param is_listening: whether frames and rois come over the topics ``faces/image`` and
        ``faces/rois``; otherwise they come by ``submit`` alone
    :param on_judged: called in this node's thread after each publication, with what was judged
        and the seconds from the frame's stamp to the publication (NaN where the stamp is 0)
    """

    def __init__(
        self,
        *,
        classifier: LabelledClassifier | None = None,
        is_listening: bool = True,
        on_judged: Callable[[JudgedFrame, float], None] | None = None,
        **node_kwargs: Any,
    ) -> None:
        super().__init__('classifier', ClassifierParameters, **node_kwargs)
        self._given = classifier
        self._classifier = classifier
        self._is_listening = is_listening
        self._on_judged = on_judged
        self._smoother = TrackSmoother(self.parameters.smoothing.time_constant)
        self._stage: ClassificationStage | None = None
        self._join: StampJoin[Frame, FaceRois] = StampJoin(self.parameters.join_frames)
        self._rois_without_image = 0  # at the last diagnostics
        self._publisher = self.create_publisher(FaceAttributes, 'faces/attributes', RESULTS)
        self._annotated = AnnotatedPublisher(self)
        self._saliency = SaliencyPublisher(self)
        self._rois: Any = None

    @property
    def dropped(self) -> int:
        """How many frames gave way to newer ones here, since the node was activated."""
        return super().dropped + self._join.frames_dropped

    @property
    def labels(self) -> Mapping[str, tuple[str, ...]]:
        """The classes in order, by attribute that is turned on; none before models are loaded."""
        return {} if self._classifier is None else self._classifier.labels

    @property
    def model_tags(self) -> Mapping[str, str]:
        """Name and short sha256 of the models, likewise."""
        return {} if self._classifier is None else self._classifier.model_tags

    def _load(self) -> None:
        wanted = self.parameters
        emotion = _model_path(wanted.emotion, 'emotion')
        gender = _model_path(wanted.gender, 'gender')
        self._classifier = self._given or AttributeClassifier.load(
            emotion,
            gender,
            threads=wanted.classifier.threads,
            allow_spinning=wanted.classifier.allow_spinning,
        )
        self._stage = ClassificationStage(self._classifier, self._smoother)
        paths = {'emotion': emotion, 'gender': gender}
        self._saliency.prepare({k: path for k, path in paths.items() if path}, wanted.classifier)
        tags = ', '.join(f'{name} by {tag}' for name, tag in self._classifier.model_tags.items())
        self.get_logger().info(f'judging {tags or "nothing: emotion and gender are off"}')

    def _begin(self) -> None:
        self._smoother.reset()
        self._join = StampJoin(self.parameters.join_frames)
        self._rois_without_image = 0
        self._start_work()
        if self._is_listening:
            self._listen(Image, 'faces/image', self._on_image, self.parameters.qos)
            self._rois = self.create_subscription(FaceRois, 'faces/rois', self._on_rois, RESULTS)

    def _end(self) -> None:
        if self._rois is not None:
            self.destroy_subscription(self._rois)
            self._rois = None
        super()._end()

    def _release(self) -> None:
        self._stage = None
        self._saliency.release()
        self._classifier = self._given

    def _apply(self, parameters: ClassifierParameters) -> None:
        self._smoother.time_constant = parameters.smoothing.time_constant

    def _findings(self) -> Iterator[Finding]:
        before, self._rois_without_image = self._rois_without_image, self._join.found_dropped
        if self._rois_without_image > before:
            yield Finding(
                WARN,
                f'{self._rois_without_image - before} rois came whose image was lost or had to '
                'give way: where detection takes long, raise join_frames',
            )
        yield from super()._findings()

    def _measured(self) -> dict[str, str]:
        return {
            'emotion model': self.model_tags.get('emotion', 'off'),
            'gender model': self.model_tags.get('gender', 'off'),
            'frames dropped': str(self.dropped),
            'rois without image': str(self._join.found_dropped),
        }

    def _on_image(self, msg: Image) -> None:
        received_ns = self.get_clock().now().nanoseconds
        try:
            frame = frame_from_image(msg, received_ns=received_ns)
        except PerceptionError as error:
            self._report(error)
            return
        if frame.stamp_ns == 0:
            self._report(
                ImageFormatError(
                    'an image without a stamp cannot be joined with its rois: let the camera '
                    'stamp its images, or run the three nodes in one process (composed:=true)'
                )
            )
            return
        self._submit_pair(self._join.put_frame(frame.stamp_ns, frame))

    def _on_rois(self, msg: FaceRois) -> None:
        stamp_ns = stamp_ns_of(msg.header)
        if stamp_ns:  # rois without one are those of an image that is reported
            self._submit_pair(self._join.put_found(stamp_ns, msg))

    def _submit_pair(self, pair: tuple[Frame, FaceRois] | None) -> None:
        if pair is None:
            return
        frame, rois = pair
        try:
            tracks = tracks_from_rois(rois, frame, self._report)
        except PerceptionError as error:
            self._report(error)
            return
        detect_s = rois.detect_ms * 1e-3
        self.submit(
            FacesInFrame(frame, tracks, detect_s, frames_dropped=0, detector=rois.detector)
        )

    def _work(self, found: FacesInFrame, /) -> None:
        stage, classifier = self._stage, self._classifier
        if stage is None or classifier is None:
            return
        judged = stage.process(replace(found, frames_dropped=found.frames_dropped + self.dropped))
        frame = found.frame
        published_ns = self.get_clock().now().nanoseconds
        self._publisher.publish(
            attributes_to_msg(
                judged,
                labels=classifier.labels,
                model_tags=classifier.model_tags,
                published_ns=published_ns,
            )
        )
        total = since_stamp_ms(frame, published_ns) * 1e-3
        self.meter.work.add(judged.classify_s)
        self.meter.latency.add(total)
        self.meter.published.tick(self._now())
        if self._on_judged is not None:
            self._on_judged(judged, total)
        drawn = self.parameters.annotation
        self._annotated.publish(
            frame,
            lambda: annotate(judged, classifier.labels, bars=drawn.bars),
            drawn.jpeg_quality,
        )
        self._saliency.publish(judged, self.parameters.saliency)


def _model_path(group: EmotionGroup | GenderGroup, attribute: str) -> Path | None:
    if not group.enabled:
        return None
    return Path(group.model_path) if group.model_path else models_directory() / attribute


def main(args: list[str] | None = None) -> int:
    """Run the node until it is told to stop."""
    return run_nodes('classifier_node', (ClassifierParameters,), lambda: (ClassifierNode(),), args)
