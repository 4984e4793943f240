"""Layers for any number of dimensions."""

import keras
from keras import ops

CONVOLUTION = {2: keras.layers.Conv2D, 3: keras.layers.Conv3D}
TRANSPOSED = {2: keras.layers.Conv2DTranspose, 3: keras.layers.Conv3DTranspose}
UPSAMPLING = {2: keras.layers.UpSampling2D, 3: keras.layers.UpSampling3D}


@keras.saving.register_keras_serializable(package="keras_ruo2")
class PeriodicPadding(keras.layers.Layer):
    """Continue a grid periodically beyond its edges.

    Args:
        before: Voxels to add before the first one, along every direction.
        after: Voxels to add after the last one.

    Input shape: `(batch, *grid, channels)`.

    Output shape: `(batch, *grid + before + after, channels)`.
    """

    def __init__(self, before, after, **options):
        super().__init__(**options)
        self.before, self.after = before, after

    def call(self, inputs):
        outputs = inputs
        for axis in range(1, len(inputs.shape) - 1):
            every = [slice(None)] * axis
            parts = [outputs]
            if self.before:
                parts.insert(0, outputs[(*every, slice(-self.before, None))])
            if self.after:
                parts.append(outputs[(*every, slice(0, self.after))])
            outputs = ops.concatenate(parts, axis=axis)
        return outputs

    def compute_output_shape(self, input_shape):
        grown = [size + self.before + self.after for size in input_shape[1:-1]]
        return (input_shape[0], *grown, input_shape[-1])

    def get_config(self):
        return {**super().get_config(), "before": self.before, "after": self.after}


def periodic_convolution(inputs, filters, kernel, stride=1, **options):
    """Apply a convolution that knows no edge; a stride divides the grid evenly.

    Args:
        inputs: Tensor of shape `(batch, *grid, channels)`.
        filters: Channels of the result.
        kernel: Kernel size.
        stride: Stride; it must divide the grid.
        options: Of the Keras convolution layer.

    Returns:
        Tensor of shape `(batch, *grid / stride, filters)`.
    """
    ndim = len(inputs.shape) - 2
    total = kernel - stride
    padded = PeriodicPadding(total // 2, total - total // 2)(inputs)
    return CONVOLUTION[ndim](filters, kernel, strides=stride, **options)(padded)
