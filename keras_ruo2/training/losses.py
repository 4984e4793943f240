"""Losses of a Wasserstein GAN with gradient penalty and lattice lengths: functions of tensors."""

from __future__ import annotations

from keras import ops

from keras_ruo2.models.tensors import Tensor

SMALLEST_VARIANCE = 1e-12  # the same where a feature does not vary
SMALLEST_SQUARE = 1e-12  # keeps the gradient of the square root finite at a zero slope
SMALLEST_DISTANCE = 0.01  # Å, below which a displacement counts by its square


def critic_loss(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """Return mean D(fake) - mean D(real).

    Args:
        real_scores: The critic's scores of real grids, shape `(batch, ...)`.
        fake_scores: Its scores of generated grids, shape `(batch, ...)`.

    Returns:
        Scalar tensor, the negative estimate of the Wasserstein distance.

    Source:
        Arjovsky et al., arXiv:1701.07875; section 2.2.4 of the thesis.
    """
    return ops.mean(fake_scores) - ops.mean(real_scores)


def generator_loss(fake_scores: Tensor) -> Tensor:
    """Return - mean D(fake).

    Args:
        fake_scores: The critic's scores of generated grids, shape `(batch, ...)`.

    Returns:
        Scalar tensor.
    """
    return -ops.mean(fake_scores)


def slope_norms(slopes: Tensor) -> Tensor:
    """Return the Euclidean norm of each sample's gradient, shape `(batch,)`."""
    axes = tuple(range(1, len(slopes.shape)))
    return ops.sqrt(ops.sum(ops.square(slopes), axis=axes) + SMALLEST_SQUARE)


def gradient_penalty(slopes: Tensor) -> Tensor:
    """Return the mean of (||slope||_2 - 1)^2, without its weight.

    Args:
        slopes: The critic's gradients at the interpolated samples, shape `(batch, ...)`; the norm
            is over all the dimensions of a sample.

    Returns:
        Scalar tensor.

    Source:
        Gulrajani et al., arXiv:1704.00028, eq. 3.
    """
    return ops.mean(ops.square(slope_norms(slopes) - 1))


def lattice_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the mean sigmoid cross entropy with logits.

    Args:
        logits: Predicted logits of the scaled lengths, shape `(batch, num_lengths)`.
        targets: Scaled lengths in [0, 1], same shape; gradients flow to them too.

    Returns:
        Scalar tensor.

    Source:
        Equation 2.9 of the thesis, after Kim et al., Sci. Adv. 6, eaax9324 (2020).
    """
    return ops.mean(ops.softplus(logits) - logits * targets)


def feature_matching_loss(real_features: Tensor, fake_features: Tensor) -> Tensor:
    """Compare the batch statistics of two sets of critic features.

    Every feature has a mean m and a standard deviation s over its batch (s^2 the mean squared
    deviation from m). The loss is the mean over the features of
    (m_real - m_fake)^2 + (s_real - s_fake)^2.

    Gradients flow to both sets; the generator's objective needs those of the fake ones only.
    Each is at most of the order of the difference it removes: a feature that is the same in a
    whole batch has no gradient through its standard deviation, not an infinite one.

    Args:
        real_features: Features of real samples, shape `(batch, ...)`.
        fake_features: Features of generated samples, same shape but for the batch.

    Returns:
        Scalar tensor, 0 for equal statistics.

    Source:
        Salimans et al., arXiv:1606.03498, section 3.1 (means only); Kim et al., Sci. Adv. 6,
        eaax9324 (2020), on batch statistics. The equal weights and the mean over the features,
        which keeps the scale independent of their number, are ours.
    """
    real_mean, real_deviation = batch_statistics(real_features)
    fake_mean, fake_deviation = batch_statistics(fake_features)
    means = ops.square(real_mean - fake_mean)
    return ops.mean(means + ops.square(real_deviation - fake_deviation))


def batch_statistics(features: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean and the standard deviation of each feature over the batch."""
    features = ops.cast(features, "float32")
    mean = ops.mean(features, axis=0)
    variance = ops.mean(ops.square(features - mean), axis=0)
    return mean, ops.sqrt(variance + SMALLEST_VARIANCE)


def distance_from_rest(apart: Tensor, there: Tensor) -> Tensor:
    """Return the root mean square displacement of atoms, slabs moved as a whole onto each other.

    Linear in the distance: most atoms rest close to their sites, and a few far off that belong to
    another minimum do not drag the others along.

    Args:
        apart: Displacements, `(batch, sites, 3)`, Å.
        there: 1 where a site holds an atom, `(batch, sites)`.

    Returns:
        Tensor `(batch,)`, Å.
    """
    there = there[..., None]
    count = ops.maximum(ops.sum(there, axis=1, keepdims=True), 1.0)
    apart = there * (apart - ops.sum(there * apart, axis=1, keepdims=True) / count)
    mean = ops.sum(ops.square(apart), axis=(1, 2)) / count[:, 0, 0]
    return ops.sqrt(mean + SMALLEST_DISTANCE**2) - SMALLEST_DISTANCE
