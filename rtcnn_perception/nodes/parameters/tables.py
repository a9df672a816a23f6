"""
The parameters of each node: the one place where default, unit, bound and meaning stand.

``config/perception.yaml`` lists the same for users; a test holds the two together.
"""

from __future__ import annotations

from dataclasses import dataclass

from rtcnn_perception.core.detection.base import LEAST_WIDTH
from rtcnn_perception.core.detection.base import MAX_WIDTH
from rtcnn_perception.core.detection.registry import AUTO
from rtcnn_perception.core.detection.registry import DetectorConfig
from rtcnn_perception.core.detection.registry import DETECTORS
from rtcnn_perception.core.labels import ATTRIBUTES
from rtcnn_perception.core.labels import EMOTION_LABELS
from rtcnn_perception.core.labels import GENDER_LABELS
from rtcnn_perception.core.saliency.model import TARGET_NAMES
from rtcnn_perception.core.saliency.names import METHODS
from rtcnn_perception.core.saliency.overlay import COLOR_MAPS
from rtcnn_perception.core.tracking.tracker import TrackerConfig
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.nodes.parameters.declaration import setting
from rtcnn_perception.nodes.qos import QOS

_DETECTOR = DetectorConfig()
_TRACKER = TrackerConfig()
_QOS_MEANING = (
    'reliability asked of who publishes the images: auto takes what is offered, '
    'sensor_data is best effort'
)


@dataclass(frozen=True)
class NodeParameters:
    """What every node has."""

    autostart: bool = setting(
        True, 'configure and activate at start; false leaves it to lifecycle transitions'
    )
    latency_limit_ms: float = setting(
        150.0,
        'diagnostics warn where the p95 of stamp to publication is above',
        unit='ms',
        minimum=0.0,
        maximum=60_000.0,
        is_live=True,
    )


@dataclass(frozen=True)
class CameraParameters(NodeParameters):
    """Where images come from: a topic, or the node's own source."""

    image_transport: str = setting(
        'raw',
        'raw listens to image_raw, compressed to image_raw/compressed',
        choices=('raw', 'compressed'),
    )
    qos: str = setting('auto', _QOS_MEANING, choices=tuple(QOS))
    source: str = setting(
        '',
        "instead of a topic: 'builtin', a device such as /dev/video0, a video, a GIF, a picture "
        'or a folder of pictures; empty for the topic',
    )
    source_width: int = setting(
        0,
        'width to ask a device for, together with source_height; 0 leaves it as it is',
        unit='pixel',
        minimum=0,
        maximum=16_384,
    )
    source_height: int = setting(
        0,
        'height to ask a device for, together with source_width; 0 leaves it as it is',
        unit='pixel',
        minimum=0,
        maximum=16_384,
    )
    source_fps: float = setting(
        0.0,
        'frames per second to ask a device for; 0 leaves them as they are',
        unit='Hz',
        minimum=0.0,
        maximum=1000.0,
    )
    source_rate: float = setting(
        0.0,
        'frames per second at which a file is played; 0 for its own',
        unit='Hz',
        minimum=0.0,
        maximum=1000.0,
        is_live=True,
    )
    source_loop: bool = setting(True, 'play a file again when it ends', is_live=True)
    frame_id: str = setting(
        'camera_optical_frame', 'frame in the headers of the images of the own source'
    )
    image_timeout: float = setting(
        2.0,
        'diagnostics report an error after so long without an image',
        unit='s',
        minimum=0.1,
        maximum=3600.0,
        is_live=True,
    )
    max_megapixels: float = setting(
        100.0,
        'an image that claims to be larger is refused',
        unit='10^6 pixels',
        minimum=0.01,
        maximum=1000.0,
    )

    def __post_init__(self) -> None:
        """Refuse half a size, which OpenCV would pass over in silence."""
        if (self.source_width == 0) != (self.source_height == 0):
            raise ConfigurationError(
                'parameters source_width and source_height must both be 0, or both be above, got '
                f'{self.source_width} and {self.source_height}'
            )


@dataclass(frozen=True)
class DetectorGroup:
    """How faces are found."""

    name: str = setting(
        _DETECTOR.name,
        'auto takes rtcnn, which comes with the package',
        choices=(AUTO, *DETECTORS),
    )
    model_path: str = setting(
        _DETECTOR.model_path,
        'model.onnx of rtcnn, its card or their folder, or the file of yunet or haar; '
        'empty for the default of each',
    )
    width: int = setting(
        _DETECTOR.width,
        'width an image is scaled down to for detection: 0, or 32 and more; wider finds smaller '
        'faces, and takes longer; 0 for the one that suits the detector (rtcnn 320, yunet 320, '
        'haar 640)',
        unit='pixel',
        minimum=0,
        maximum=MAX_WIDTH,
    )
    min_score: float = setting(
        _DETECTOR.min_score,
        'score from which on a detection counts; scores of two detectors are not comparable',
        minimum=0.0,
        maximum=1.0,
        is_live=True,
    )
    every_n: int = setting(
        1,
        'the detector looks at every n-th frame; tracks carry the boxes between',
        unit='frames',
        minimum=1,
        maximum=100,
        is_live=True,
    )
    threads: int = setting(
        _DETECTOR.threads,
        'threads for the detector; OpenCV may use as many, in the whole process',
        minimum=1,
        maximum=64,
    )

    def __post_init__(self) -> None:
        """Refuse what lies between the default's 0 and the least width."""
        if 0 < self.width < LEAST_WIDTH:
            raise ConfigurationError(
                f'parameter detector.width must be 0, or {LEAST_WIDTH} and more, got {self.width}'
            )


@dataclass(frozen=True)
class TrackerGroup:
    """How faces are followed."""

    confirm_score: float = setting(
        _TRACKER.confirm_score,
        'a detection of this score or more is confirmed by its first look',
        minimum=0.0,
        maximum=1.0,
        is_live=True,
    )
    confirm_hits: int = setting(
        _TRACKER.confirm_hits,
        'looks in a row that must see a face before it counts',
        minimum=1,
        maximum=100,
        is_live=True,
    )
    max_coast_s: float = setting(
        _TRACKER.max_coast_s,
        'a face that is not seen keeps its track for so long',
        unit='s',
        minimum=0.0,
        maximum=60.0,
        is_live=True,
    )
    max_tracks: int = setting(
        _TRACKER.max_tracks,
        'faces that are followed at once, at most',
        minimum=1,
        maximum=1000,
        is_live=True,
    )


@dataclass(frozen=True)
class DetectorParameters(NodeParameters):
    """Faces found and followed."""

    qos: str = setting('auto', _QOS_MEANING, choices=tuple(QOS))
    detector: DetectorGroup = DetectorGroup()
    tracker: TrackerGroup = TrackerGroup()


@dataclass(frozen=True)
class EmotionGroup:
    """The network that judges emotion."""

    enabled: bool = setting(True, 'judge emotion')
    model_path: str = setting(
        '', 'model.onnx, its card or their folder; empty for the one that comes with the package'
    )


@dataclass(frozen=True)
class GenderGroup:
    """The network that judges gender."""

    enabled: bool = setting(True, 'judge gender')
    model_path: str = setting(
        '', 'model.onnx, its card or their folder; empty for the one that comes with the package'
    )


@dataclass(frozen=True)
class ClassifierGroup:
    """How the networks are run."""

    threads: int = setting(1, 'threads for the networks', minimum=1, maximum=64)
    allow_spinning: bool = setting(
        False, 'let those threads wait by spinning: quicker by little, at the cost of whole cores'
    )


@dataclass(frozen=True)
class SmoothingGroup:
    """How judgements are steadied over a track."""

    time_constant: float = setting(
        0.5,
        "after so long a look's weight has fallen to 1/e; 0 for no smoothing",
        unit='s',
        minimum=0.0,
        maximum=60.0,
        is_live=True,
    )


@dataclass(frozen=True)
class AnnotationGroup:
    """What is drawn into faces/image_annotated."""

    bars: bool = setting(True, 'draw a bar for each emotion', is_live=True)
    jpeg_quality: int = setting(
        80,
        'of faces/image_annotated/compressed',
        unit='percent',
        minimum=1,
        maximum=100,
        is_live=True,
    )


@dataclass(frozen=True)
class SaliencyGroup:
    """What is shown in faces/saliency and faces/saliency/mosaic."""

    method: str = setting(
        METHODS[0],
        'guided back-propagation, the plain gradient, or Grad-CAM',
        choices=METHODS,
        is_live=True,
    )
    task: str = setting(
        'both',
        'whose maps to show; over the faces, of both only emotion',
        choices=('both', *ATTRIBUTES),
        is_live=True,
    )
    target: str = setting(
        'top',
        'what the map is of: the class judged, the largest class map of each place, or one class',
        choices=(*TARGET_NAMES, *EMOTION_LABELS, *GENDER_LABELS),
        is_live=True,
    )
    strength: float = setting(
        0.8,
        'how much the map covers the picture',
        minimum=0.0,
        maximum=1.0,
        is_live=True,
    )
    color_map: str = setting(
        'turbo', 'colours from weak to strong', choices=tuple(COLOR_MAPS), is_live=True
    )
    max_faces: int = setting(
        4,
        'faces to explain, the largest first',
        unit='faces',
        minimum=1,
        maximum=64,
        is_live=True,
    )


@dataclass(frozen=True)
class ClassifierParameters(NodeParameters):
    """What is seen in each face."""

    qos: str = setting('auto', _QOS_MEANING, choices=tuple(QOS))
    join_frames: int = setting(
        15,
        'images that wait for their rois, in memory, where the detector is another process',
        unit='frames',
        minimum=1,
        maximum=300,
    )
    emotion: EmotionGroup = EmotionGroup()
    gender: GenderGroup = GenderGroup()
    classifier: ClassifierGroup = ClassifierGroup()
    smoothing: SmoothingGroup = SmoothingGroup()
    annotation: AnnotationGroup = AnnotationGroup()
    saliency: SaliencyGroup = SaliencyGroup()


TABLES = (CameraParameters, DetectorParameters, ClassifierParameters)
"""All there are, in the order in which frames pass."""
