"""A batch that grows while a run lasts, as a plan made before it starts."""

from keras_ruo2.errors import check_range


def phases(batch_size, critic_steps, grow_every, grow_until):
    """Plan how many samples each training step takes.

    The batch doubles every `grow_every` steps as long as it stays within `grow_until`. A step
    takes `critic_steps` batches, each for one update of the critic.

    Args:
        batch_size: Samples per critic update at the start.
        critic_steps: Critic updates per training step.
        grow_every: Training steps between two doublings; 0 keeps the batch as it is.
        grow_until: Largest number of samples per critic update; ignored if `grow_every` is 0.

    Returns:
        Tuple of pairs `(first_step, samples_per_step)`: from training step `first_step` on, counted
        from 0, a step takes `samples_per_step` samples. The first pair starts at step 0.

    Raises:
        ConfigError: If a number is too small, or `grow_until` below `batch_size`.

    Source:
        Growing batches are in the outlook of the thesis; doubling at fixed intervals is ours.
    """
    check_range("batch_size", batch_size, 1)
    check_range("critic_steps", critic_steps, 1)
    check_range("grow_every", grow_every, 0)
    plan = [(0, batch_size * critic_steps)]
    if grow_every:
        check_range("grow_until", grow_until, batch_size)
        while 2 * batch_size <= grow_until:
            batch_size *= 2
            plan.append((len(plan) * grow_every, batch_size * critic_steps))
    return tuple(plan)
