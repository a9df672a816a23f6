"""Where the largest pixel of each 3x3 window lies, told without asking for its index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rtcnn_perception.saliency.gradient_context import GradientContext
from rtcnn_perception.saliency.network_graph import Operation

LOWEST = -3.4028234663852886e38
"""The smallest float32: padding that never wins, and never gives NaN."""


@dataclass(frozen=True)
class WindowMaxima:
    """
    Routes gradients through maximum pooling of 3x3 windows with stride 2.

    onnxruntime's pooling can give the places of the maxima, but then takes twenty times as long as
    without, as it looks at one number after the other. Here windows are told apart into rows and
    rows into pixels: each is compared with the maximum, whole pictures at a time. Of equal ones
    the first takes the gradient, row by row, as in PyTorch.

    ``before`` and ``size`` are the padding (top, left) and the padded height and width, both even:
    the third row or column of the last window always lies in the padding.
    """

    context: GradientContext
    operation: Operation
    before: tuple[int, int]
    size: tuple[int, int]

    @classmethod
    def of(cls, context: GradientContext, operation: Operation) -> WindowMaxima | None:
        """Return None for windows of other kinds."""
        attributes = operation.attributes
        top, left, *_ = attributes.get('pads', (0, 0, 0, 0))
        _, height, width = context.shape(operation.inputs[0])
        _, rows, columns = context.shape(operation.output)
        is_covered = (
            tuple(attributes['kernel_shape']) == (3, 3)
            and tuple(attributes.get('strides', (1, 1))) == (2, 2)
            and set(attributes.get('dilations', (1, 1))) == {1}
            and 2 * rows >= top + height
            and 2 * columns >= left + width
        )
        return (
            cls(context, operation, (top, left), (2 * rows, 2 * columns)) if is_covered else None
        )

    def route(self, gradient: str) -> str:
        """Write the routing of the gradient of the maxima to the pixels, and return its name."""
        context, writer = self.context, self.context.writer
        source = self.operation.inputs[0]
        channels, height, width = context.shape(source)
        (top, left), (full_height, full_width) = self.before, self.size
        after = (full_height - top - height, full_width - left - width)
        padded = writer.pad(source, self.before, after, LOWEST)
        row_maxima = writer.add(
            'MaxPool', padded, kernel_shape=[1, 3], strides=[1, 2], pads=[0, 0, 0, 1]
        )
        by_row = self._to_rows(gradient, row_maxima)

        pixels = writer.add('Transpose', writer.reshape(padded, -1, 2), perm=[1, 0])
        is_largest = writer.add('Equal', pixels, writer.reshape(row_maxima, 1, -1))
        first, second, third = self._shares(
            writer.reshape(by_row, 1, -1), writer.add_pair('Split', is_largest, axis=0)
        )
        even = writer.add('Add', first, self._moved_on(third, 1))
        pairs = [writer.reshape(even, -1, 1), writer.reshape(second, -1, 1)]
        joined = writer.add('Concat', *pairs, axis=1)
        joined = writer.reshape(joined, -1, channels, full_height, full_width)
        return writer.pad(joined, (-top, -left), [-size for size in after], 0.0)

    def _to_rows(self, gradient: str, row_maxima: str) -> str:
        """Write the routing from windows to the rows of windows."""
        writer = self.context.writer
        channels, rows, columns = self.context.shape(self.operation.output)
        pairs = writer.reshape(row_maxima, -1, channels, rows, 2 * columns)
        is_largest = [
            writer.add('Equal', row, self.operation.output)
            for row in writer.add_pair('Split', pairs, axis=3)
        ]
        first, second, third = self._shares(gradient, is_largest)
        moved = writer.reshape(self._moved_on(third, columns), -1, channels, rows, columns)
        even = writer.add('Add', first, moved)
        return writer.add('Concat', even, second, axis=3)

    def _moved_on(self, third: str, step: int) -> str:
        """
        Write what the third of each window gets to where the next window begins.

        All is one long row for this: the last third lies in the padding and gets nothing, so that
        nothing moves over into the next row or picture.
        """
        writer = self.context.writer
        flat = writer.reshape(third, -1)
        return writer.add('Pad', flat, writer.integers(step, -step), writer.number(0.0))

    def _shares(self, gradient: str, is_largest: Sequence[str]) -> tuple[str, str, str]:
        """Write the parting of a gradient among three: the last takes what the others leave."""
        writer = self.context.writer
        shares = []
        for condition in is_largest:
            mask = writer.add('Cast', condition, to=1)
            shares.append(writer.add('Mul', gradient, mask))
            gradient = writer.add('Sub', gradient, shares[-1])
        return shares[0], shares[1], gradient
