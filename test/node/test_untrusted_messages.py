"""What a stranger may send costs the nodes no more than the message itself."""

import pytest

pytest.importorskip('rclpy')

from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.msg import Log
from rclpy.serialization import serialize_message
from rtcnn_perception.nodes.camera_node import CameraNode
from scripted import header
from scripted import image
from sensor_msgs.msg import CompressedImage

LONG = 'rgb\n12' * 2**18
ERROR = int.from_bytes(Log.ERROR, 'little') if isinstance(Log.ERROR, bytes) else Log.ERROR


def unknown_encoding():
    msg = image(1)
    msg.encoding = LONG
    return msg


@pytest.mark.parametrize(
    ('transport', 'topic', 'msg', 'ends'),
    [
        ('raw', 'image_raw', unknown_encoding(), ('unknown image encoding', 'i420')),
        (
            'compressed',
            'image_raw/compressed',
            CompressedImage(header=header(1), format=LONG),
            ('expected a JPEG or PNG', 'that begin like neither'),
        ),
    ],
)
def test_a_text_of_a_megabyte_makes_short_diagnostics_and_a_short_log(
    bench, transport, topic, msg, ends
):
    cause, end = ends
    node = bench.add(CameraNode, parameters={'image_transport': transport})
    node.start()
    logged = bench.subscribe(Log, '/rosout', 100)
    diagnostics = bench.subscribe(DiagnosticArray, '/diagnostics')
    made = bench.tester.create_publisher(type(msg), topic, 10)
    bench.connect(made)
    made.publish(msg)
    bench.spin_until(
        lambda: diagnostics and cause in diagnostics[-1].status[0].message, 'diagnostics'
    )
    bench.spin_until(lambda: any(each.level == ERROR for each in logged), 'the log')
    lines = [each.msg for each in logged if each.level == ERROR]
    assert lines == [node.errors.values()['last error']]
    assert lines[0].startswith(cause)
    assert lines[0].endswith(end)
    assert len(lines[0]) < 1000
    assert len(serialize_message(diagnostics[-1])) < 4096
