"""The window of a convolution and how it lies on its image."""

from __future__ import annotations

from dataclasses import dataclass

from devices.graph import Tensor
from devices.kernels import Call


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A convolution whose image, weights and output have four axes; pairs are (vertical, horizontal).

    Attributes
    ----------
    source, out
        Image and output, (batch, height, width, channels).
    kernel, stride
        Of the window.
    padding
        Rows above and columns left of the image, rounded down.
    is_dilated
        Whether the window skips values.
    """

    source: Tensor
    out: Tensor
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    is_dilated: bool

    @property
    def kernel_area(self) -> int:
        """Values of the window in one channel."""
        return self.kernel[0] * self.kernel[1]

    @property
    def source_area(self) -> int:
        """Pixels of the image."""
        return self.source.shape[1] * self.source.shape[2]

    @property
    def out_area(self) -> int:
        """Pixels of the output."""
        return self.out.shape[1] * self.out.shape[2]

    @property
    def padded_area(self) -> int:
        """Pixels of the image with as much padding after it as before."""
        return (self.source.shape[1] + 2 * self.padding[0]) * (self.source.shape[2] + 2 * self.padding[1])

    @property
    def is_plain_pointwise(self) -> bool:
        """One by one, each pixel once."""
        return self.kernel == self.stride == (1, 1) and self.padding == (0, 0)


def window_of(call: Call) -> Window | None:
    """The window of a CONV_2D or DEPTHWISE_CONV_2D; None where a tensor is missing or has not four axes."""
    source, weights, out = call.source, call.weights, call.out
    if source is None or weights is None or any(len(t.shape) != 4 for t in (source, weights, out)):
        return None
    at = call.operator.options
    kernel, stride = (weights.shape[1], weights.shape[2]), (at.stride_height, at.stride_width)
    dilation = (at.dilation_height, at.dilation_width)
    is_padded, sizes, outs = at.padding == "SAME", source.shape[1:3], out.shape[1:3]
    above, left = (_padding(sizes[i], outs[i], kernel[i], stride[i], dilation[i]) if is_padded else 0 for i in (0, 1))
    return Window(
        source=source, out=out, kernel=kernel, stride=stride, padding=(above, left), is_dilated=dilation != (1, 1)
    )


def _padding(size: int, out: int, kernel: int, stride: int, dilation: int) -> int:
    return max(0, (out - 1) * stride + (kernel - 1) * dilation + 1 - size) // 2
