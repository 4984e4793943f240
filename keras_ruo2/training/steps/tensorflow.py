"""The schedule on TensorFlow."""

import tensorflow as tf

from keras_ruo2.training.wgan import Schedule


class WassersteinGAN(Schedule):
    """`Schedule` with TensorFlow's tapes; the penalty's tape is nested in the critic's."""

    def train_step(self, data):
        """Run the schedule once; called by `fit`."""
        return self.run_schedule(data)

    def input_gradients(self, function, values):
        """Return the gradients of `function(values)` with respect to `values`."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(values)
            scores = function(values)
        return tape.gradient(scores, values)

    def minimise(self, objective, network, optimizer):
        """Update `network` once to lower `objective()`, which returns a loss and its parts."""
        weights = network.trainable_variables
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([weight.value for weight in weights])
            loss, values = objective()
        optimizer.apply(tape.gradient(loss, [weight.value for weight in weights]), weights)
        self.record(values)
