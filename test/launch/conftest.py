"""What the tests with processes share: small models, and a node that watches."""

from pathlib import Path
import sys
import time

import pytest

# The models of a few weights that the tests of the core use.
sys.path.append(str(Path(__file__).parents[1] / 'core'))


@pytest.fixture(scope='session')
def parameter_file(tmp_path_factory) -> Path:
    """Return a parameter file with networks of a few weights."""
    from processes import PARAMETERS  # noqa: PLC0415 - beside this file, and found only by now
    from tiny_model import EMOTIONS  # noqa: PLC0415 - likewise, by the line above
    from tiny_model import GENDERS  # noqa: PLC0415
    from tiny_model import write_tiny_model  # noqa: PLC0415

    models = tmp_path_factory.mktemp('models')
    write_tiny_model(models / 'emotion', {'emotion': EMOTIONS}, seed=1)
    write_tiny_model(models / 'gender', {'gender': GENDERS}, seed=2)
    path = models / 'parameters.yaml'
    path.write_text(PARAMETERS.format(models=models), encoding='utf-8')
    return path


@pytest.fixture
def watcher():
    """Return a node on the network of the processes, with a context of its own."""
    pytest.importorskip('rclpy')
    from processes import DEADLINE  # noqa: PLC0415
    from processes import DOMAIN  # noqa: PLC0415
    from rclpy.context import Context  # noqa: PLC0415 - absent on a bare Python
    from rclpy.executors import SingleThreadedExecutor  # noqa: PLC0415
    from rclpy.node import Node  # noqa: PLC0415

    context = Context()
    context.init(None, domain_id=DOMAIN)
    node = Node('watcher', context=context, use_global_arguments=False)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)

    def spin_until(condition, what, process=None):
        end = time.monotonic() + DEADLINE
        while not condition():
            assert process is None or process.poll() is None, process.stdout.read()
            assert time.monotonic() < end, f'{what} did not come about in {DEADLINE:g} s'
            executor.spin_once(timeout_sec=0.02)

    node.spin_until = spin_until
    yield node
    executor.remove_node(node)
    node.destroy_node()
    executor.shutdown()
    context.try_shutdown()
