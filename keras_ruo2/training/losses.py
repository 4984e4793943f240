"""Losses of a Wasserstein GAN with gradient penalty and lattice lengths: functions of tensors."""

from keras import ops

SMALLEST_SQUARE = 1e-12  # keeps the gradient of the square root finite at a zero slope


def critic_loss(real_scores, fake_scores):
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


def generator_loss(fake_scores):
    """Return - mean D(fake).

    Args:
        fake_scores: The critic's scores of generated grids, shape `(batch, ...)`.

    Returns:
        Scalar tensor.
    """
    return -ops.mean(fake_scores)


def slope_norms(slopes):
    """Return the Euclidean norm of each sample's gradient, shape `(batch,)`."""
    axes = tuple(range(1, len(slopes.shape)))
    return ops.sqrt(ops.sum(ops.square(slopes), axis=axes) + SMALLEST_SQUARE)


def gradient_penalty(slopes):
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


def lattice_loss(logits, targets):
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
