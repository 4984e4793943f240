"""What is measured on held-out records while a model trains."""

import numpy as np
from keras import ops

from keras_ruo2.evaluation.distributions import sliced_wasserstein

NUM_IMAGES = 1024
BATCH = 256


class Evaluator:
    """Score a model against real records that it never sees.

    Args:
        held_out: Dict of arrays with `grid` and `lattice` (Å) of held-out records.
        training: The same of training records, as the yardstick.
        noise: Noise vectors, shape `(n, latent_size)`.
        unscale: Function from scaled lengths to Å.
        lattice: Whether the model predicts lattice lengths.
    """

    def __init__(self, held_out, training, noise, unscale, *, lattice):
        count = min(len(held_out["grid"]), len(training["grid"]), len(noise))
        self.held_out = {name: held_out[name][:count] for name in ("grid", "lattice")}
        self.noise, self.unscale, self.lattice = noise[:count], unscale, lattice
        self.yardstick = sliced_wasserstein(self.held_out["grid"], training["grid"][:count])
        self.spectra = spectrum(self.held_out["grid"])
        self.spectral_yardstick = sliced_wasserstein(
            self.spectra, spectrum(training["grid"][:count])
        )
        typical = training["lattice"].mean(axis=0)
        self.trivial_error = np.abs(self.held_out["lattice"] - typical).mean()

    @property
    def names(self):
        """Names of the scores."""
        names = ["held_out_distance", "held_out_ratio", "held_out_spectrum_ratio"]
        if self.lattice:
            names += [
                "lattice_error",
                "lattice_error_percent",
                "lattice_error_trivial",
                "lattice_disagreement",
            ]
        return names

    def __call__(self, model):
        """Return the scores of a model.

        Returns:
            Dict: `held_out_distance`, the sliced Wasserstein distance of generated to held-out
            images; `held_out_ratio`, the same over that of training to held-out images;
            `lattice_error` (Å) and `lattice_error_percent`, the critic's mean absolute error on
            held-out images; `lattice_error_trivial` (Å), that of always naming the training
            records' mean; `lattice_disagreement` (Å), the mean absolute difference between the
            generator's lengths and what the critic reads from its images.
        """
        made = predict(model.averaged, self.noise)
        distance = sliced_wasserstein(self.held_out["grid"], made["grid"])
        scores = {"held_out_distance": distance, "held_out_ratio": distance / self.yardstick}
        spectral = sliced_wasserstein(self.spectra, spectrum(made["grid"]))
        scores["held_out_spectrum_ratio"] = spectral / self.spectral_yardstick
        if self.lattice:
            read = self.lengths(predict(model.critic, self.held_out["grid"]))
            errors = np.abs(read - self.held_out["lattice"])
            fake = self.lengths(predict(model.critic, made["grid"]))
            scores |= {
                "lattice_error": float(errors.mean()),
                "lattice_error_percent": float(100 * (errors / self.held_out["lattice"]).mean()),
                "lattice_error_trivial": float(self.trivial_error),
                "lattice_disagreement": float(np.abs(self.lengths(made) - fake).mean()),
            }
        return scores

    def lengths(self, outputs):
        """Return predicted lengths in Å."""
        return self.unscale(sigmoid(outputs["lattice"]))


def spectrum(grids):
    """Return the amplitudes of the grids' Fourier components, which no translation changes.

    Args:
        grids: Array of shape `(n, *grid, channels)`.

    Returns:
        Array of the same shape but for the last grid axis, which is halved.
    """
    axes = tuple(range(1, grids.ndim - 1))
    return np.abs(np.fft.rfftn(grids, axes=axes)) / np.sqrt(np.prod(grids.shape[1:-1]))


def sigmoid(logits):
    """Return 1 / (1 + exp(-logits)) of an array."""
    return 1 / (1 + np.exp(-logits))


def predict(network, inputs):
    """Return a network's outputs for an array as a dict of arrays, batch by batch."""
    parts = [
        {
            name: ops.convert_to_numpy(value)
            for name, value in network(inputs[begin : begin + BATCH], training=False).items()
        }
        for begin in range(0, len(inputs), BATCH)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
