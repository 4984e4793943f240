"""Spectral normalisation: layers whose kernels have a largest singular value of one.

Keras's own wrapper, `keras.layers.SpectralNormalization`, assigns kernel / sigma to the kernel in
the forward pass, so that TensorFlow and PyTorch differentiate with respect to the assigned kernel
but JAX through the division: for one dense layer of 4 x 3 numbers, measured with Keras 3.15, an
element of the gradient was 4.53 on the first two and 2.24 on the third.
"""

import keras
import numpy as np
from keras import ops

from keras_ruo2.models.periodic import Periodic

SMALLEST_SQUARE = 1e-12  # keeps the gradient of the square root finite for a kernel of zeros


class SpectralKernel:
    """Mix-in for Keras layers with a `kernel`: what they apply is kernel / sigma(kernel).

    sigma, the largest singular value of the kernel as a matrix of shape
    `(product of the other axes, last axis)`, is estimated as the norm of kernel @ u. The unit
    vector u is a weight that is not trained; each call in training mode turns it closer to the
    singular vector by one power iteration. It counts as a constant, so that gradients are those
    of kernel / ||kernel @ u||, on every backend.

    A kernel with a sigma of one does not make a strided or padded convolution 1-Lipschitz: the
    bound also holds the number of kernel elements that meet in a place. As published.

    The trained weight is `_kernel`; `kernel` is what is applied.

    Source:
        Miyato et al., arXiv:1802.05957. The first u, cos(1), cos(2), ..., is ours: the cosines of
        integers are linearly independent over the algebraic numbers (Lindemann, Weierstrass), so
        that no singular vector of a kernel of rational numbers is orthogonal to it.
    """

    def build(self, input_shape):
        super().build(input_shape)
        self.direction = self.add_weight(
            shape=(self._kernel.shape[-1],),
            initializer=first_direction,
            trainable=False,
            autocast=False,
            aggregation="only_first_replica",
            name="direction",
        )

    @property
    def kernel(self):
        """The kernel divided by its largest singular value, as far as that is known."""
        kernel = ops.convert_to_tensor(super().kernel)
        # A copy: PyTorch keeps this u for the backward pass, the weight changes before that.
        turned = ops.matmul(as_matrix(kernel), ops.copy(self.direction))
        sigma = ops.sqrt(ops.sum(ops.square(turned)) + SMALLEST_SQUARE)
        return kernel / ops.cast(sigma, kernel.dtype)

    def call(self, inputs, training=False):
        if training:
            self.direction.assign(self.next_direction())
        return super().call(inputs)

    def next_direction(self):
        """Return u after one power iteration; a kernel that sends it to zero leaves it."""
        matrix = ops.stop_gradient(as_matrix(super().kernel))
        direction = ops.convert_to_tensor(self.direction)
        turned = ops.matmul(ops.matmul(matrix, direction), matrix)
        norm = ops.sqrt(ops.sum(ops.square(turned)))
        return ops.where(norm > 0, turned / ops.maximum(norm, 1e-30), direction)

    def save_own_variables(self, store):
        """Save the kernel itself, not what is applied, and u."""
        for weight in self.weights:
            store[weight.name] = weight

    def load_own_variables(self, store):
        """Load what `save_own_variables` saved."""
        for weight in self.weights:
            weight.assign(store[weight.name])


def first_direction(shape, dtype=None):
    """Return the unit vector along cos(1), cos(2), ..."""
    values = np.cos(1.0 + np.arange(shape[0]))
    return ops.convert_to_tensor(values / np.linalg.norm(values), dtype=dtype)


def as_matrix(kernel):
    """Return a kernel as a float32 matrix, its last axis the columns."""
    return ops.cast(ops.reshape(kernel, (-1, kernel.shape[-1])), "float32")


@keras.saving.register_keras_serializable(package="keras_ruo2")
class SpectralDense(SpectralKernel, keras.layers.Dense):
    """`keras.layers.Dense` with a spectrally normalised kernel."""


@keras.saving.register_keras_serializable(package="keras_ruo2")
class SpectralConv1D(SpectralKernel, Periodic, keras.layers.Conv1D):
    """Periodic `keras.layers.Conv1D` with a spectrally normalised kernel."""


@keras.saving.register_keras_serializable(package="keras_ruo2")
class SpectralConv2D(SpectralKernel, Periodic, keras.layers.Conv2D):
    """Periodic `keras.layers.Conv2D` with a spectrally normalised kernel."""


@keras.saving.register_keras_serializable(package="keras_ruo2")
class SpectralConv3D(SpectralKernel, Periodic, keras.layers.Conv3D):
    """Periodic `keras.layers.Conv3D` with a spectrally normalised kernel."""


SPECTRAL_CONVOLUTION = {1: SpectralConv1D, 2: SpectralConv2D, 3: SpectralConv3D}
