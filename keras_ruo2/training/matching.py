"""Feature matching: generated batches should look to the critic like real ones on average."""

from keras import ops

SMALLEST_VARIANCE = 1e-12  # keeps the gradient of the square root finite where nothing varies


def feature_matching_loss(real_features, fake_features):
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


def batch_statistics(features):
    """Return the mean and the standard deviation of each feature over the batch."""
    features = ops.cast(features, "float32")
    mean = ops.mean(features, axis=0)
    variance = ops.mean(ops.square(features - mean), axis=0)
    return mean, ops.sqrt(variance + SMALLEST_VARIANCE)
