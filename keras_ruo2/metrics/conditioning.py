"""Does the class do anything? A classifier of real grids reads the classes of drawn ones."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import spearmanr

from keras_ruo2.metrics.floors import MIN_SAMPLES, TooFewSamples

# scikit-learn's logistic regression gives the same classes in 1.7 times the time.
PENALTY = 1e-3  # of squared weights; 1e-2 to 1e-4 read held-out slices equally well
NUM_SHUFFLES = 200
LARGEST_TRAINING = 6000  # records that a classifier learns from: a second, and as good as more


class Classifier(NamedTuple):
    """Logistic regression with several classes.

    Args:
        mean: Mean of each feature of the training vectors.
        scale: Their standard deviations.
        weights: Array of shape `(d + 1, classes)`, the last row the offsets.
    """

    mean: np.ndarray
    scale: np.ndarray
    weights: np.ndarray

    def predict(self, vectors: np.ndarray) -> np.ndarray:
        """Return the most probable class of each vector, `(n,)`."""
        return (with_one((vectors - self.mean) / self.scale) @ self.weights).argmax(axis=1)


def train_classifier(
    vectors: np.ndarray, labels: np.ndarray, num_classes: int, *, penalty: float = PENALTY
) -> Classifier:
    """Fit a `Classifier` by minimising the cross entropy with L-BFGS.

    Args:
        vectors: Descriptions, shape `(n, d)`.
        labels: Classes from 0 to `num_classes - 1`, shape `(n,)`.
        num_classes: Number of classes.
        penalty: Weight of the sum of squared weights.
    """
    vectors = np.asarray(vectors, dtype=np.float64)
    mean, scale = vectors.mean(axis=0), np.maximum(vectors.std(axis=0), 1e-12)
    inputs = with_one((vectors - mean) / scale)
    wanted = np.eye(num_classes)[labels]

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        weights = flat.reshape(-1, num_classes)
        scores = inputs @ weights
        scores -= scores.max(axis=1, keepdims=True)
        shares = np.exp(scores)
        shares /= shares.sum(axis=1, keepdims=True)
        entropy = -np.log(np.maximum((shares * wanted).sum(axis=1), 1e-300)).mean()
        slopes = inputs.T @ (shares - wanted) / len(inputs)
        slopes[:-1] += 2 * penalty * weights[:-1]
        return entropy + penalty * np.square(weights[:-1]).sum(), slopes.ravel()

    start = np.zeros(inputs.shape[1] * num_classes)
    minimum = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 300})
    return Classifier(mean, scale, minimum.x.reshape(-1, num_classes))


def with_one(vectors: np.ndarray) -> np.ndarray:
    """Return vectors with a 1 appended."""
    return np.concatenate([vectors, np.ones((len(vectors), 1))], axis=1)


def conditioning_scores(
    made: np.ndarray,
    asked: np.ndarray,
    real: np.ndarray,
    known: np.ndarray,
    new: np.ndarray,
    new_known: np.ndarray,
    *,
    num_classes: int,
    seed: int = 0,
) -> dict[str, Any]:
    """Say whether drawn grids look like the class that was asked for.

    A classifier is trained on real records. On held-out ones it shows what there is to read (the
    ceiling): a generator that draws a class exactly like real data gets no further.

    Args:
        made: Descriptions of drawn grids, shape `(n, d)`.
        asked: Classes that were asked for, shape `(n,)`.
        real: Descriptions of training records.
        known: Their classes.
        new: Descriptions of held-out records.
        new_known: Their classes.
        num_classes: Number of classes.
        seed: Seed of choices.

    Returns:
        Dict of two dicts, `generated` and `held_out`, see `class_agreement`; and `share`, the
        mutual information of asked and read class over that of held-out records, both above their
        nulls: 0 is a class without effect, 1 one as telling as in real data.

    Raises:
        TooFewSamples: If there are too few samples, or records of fewer than two classes.
    """
    classes = [len(np.unique(labels)) for labels in (known, new_known)]
    if min(len(made), len(new)) < MIN_SAMPLES or min(classes) < 2:
        raise TooFewSamples(
            f"{len(made)} generated and {len(new)} held-out samples of {classes[1]} classes, at "
            f"least {MIN_SAMPLES} each and two classes are needed"
        )
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(len(real))[:LARGEST_TRAINING]
    classifier = train_classifier(real[chosen], known[chosen], num_classes)
    scores = {
        "generated": class_agreement(asked, classifier.predict(made), num_classes, rng),
        "held_out": class_agreement(new_known, classifier.predict(new), num_classes, rng),
    }
    above = {name: part["information"] - part["null"] for name, part in scores.items()}
    share = above["generated"] / above["held_out"] if above["held_out"] > 0 else np.nan
    return scores | {"share": float(share)}


def class_agreement(
    known: np.ndarray, predicted: np.ndarray, num_classes: int, rng: np.random.Generator
) -> dict[str, float]:
    """Compare known with predicted classes.

    Returns:
        Dict: `information`, their mutual information in bits; `null`, its mean with shuffled
        classes, which is what a finite sample gives for nothing, and `null_95`, its 95th
        percentile; `accuracy`, the share of equal pairs, and `chance`, the same shuffled;
        `correlation`, Spearman's rank correlation (classes are ordered by energy); `confusion`,
        numbers of pairs, known by predicted, as nested lists.
    """
    confusion = count_pairs(known, predicted, num_classes)
    nulls = [
        mutual_information(count_pairs(rng.permutation(known), predicted, num_classes))
        for _ in range(NUM_SHUFFLES)
    ]
    shares = confusion / confusion.sum()
    varies = min(len(np.unique(known)), len(np.unique(predicted))) > 1
    return {
        "information": mutual_information(confusion),
        "null": float(np.mean(nulls)),
        "null_95": float(np.percentile(nulls, 95)),
        "accuracy": float(np.trace(shares)),
        "chance": float(shares.sum(axis=1) @ shares.sum(axis=0)),
        "correlation": float(spearmanr(known, predicted).statistic) if varies else np.nan,
        "confusion": confusion.tolist(),
    }


def count_pairs(first: np.ndarray, second: np.ndarray, num_classes: int) -> NDArray[np.int64]:
    """Return how often each pair of classes occurs, int64 `(num_classes, num_classes)`."""
    pairs = np.asarray(first) * num_classes + np.asarray(second)
    return np.bincount(pairs, minlength=num_classes**2).reshape(num_classes, num_classes)


def mutual_information(counts: np.ndarray) -> float:
    """Return the mutual information of the two axes of a table of counts, bits."""
    shares = counts / counts.sum()
    independent = shares.sum(axis=1, keepdims=True) * shares.sum(axis=0)
    there = shares > 0
    return float((shares[there] * np.log2(shares[there] / independent[there])).sum())
