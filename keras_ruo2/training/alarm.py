"""Whether what a model draws while it trains has collapsed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from keras_ruo2.metrics.collapse import ALARMS, by_class, collapse_scores, raised
from keras_ruo2.species import SPECIES, renamed

PATIENCE = 3  # evaluations in a row with the same alarm: a young generator is blank, then striped
# What ends a run: noise and bright backgrounds fade, and later than the rest.
ENDING = ("not finite", "dead", "no ru", "no o", "collapse", "repeats", "stripes")
COLUMNS = ("diversity", "spacing", "stripes", "noise", "background", "contrast_ru", "contrast_o")
CLASS_COLUMNS = ("diversity", "stripes", "contrast")
FEWEST = 5  # samples of a class from which its diversity can be told
MANY_CLASSES = 0.5  # share of the classes that must have collapsed for the whole to count as such


class CollapseWatch:
    """Compare drawn with real grids, say what is wrong, and remember for how long it has been.

    Args:
        real: Real grids, shape `(n, *grid, 2)`.
        real_labels: Their classes, shape `(n,)`, or `None`.
        labels: Classes of the grids that will be drawn, shape `(m,)`, or `None`.
    """

    def __init__(
        self,
        real: np.ndarray,
        real_labels: np.ndarray | None = None,
        labels: np.ndarray | None = None,
    ) -> None:
        self.labels = labels
        self.real = by_class(real, real_labels)
        numbers, counts = np.unique([] if labels is None else labels, return_counts=True)
        self.classes = [
            int(number) for number in numbers[counts >= FEWEST] if int(number) in self.real
        ]
        self.names = [f"collapse_{name}" for name in COLUMNS] + [
            f"collapse_{name}_class_{number}" for number in self.classes for name in CLASS_COLUMNS
        ]
        self.rows: dict[str, int] = {}
        self.text, self.species = "", SPECIES

    def __call__(self, grids: np.ndarray) -> dict[str, float]:
        """Score grids and take note of the alarms.

        Args:
            grids: What the model has drawn, shape `(m, *grid, 2)`.

        Returns:
            Dict by `names`: the scores of `collapse_scores`; for each class its diversity,
            stripes and the lesser contrast of both species.
        """
        scores = collapse_scores(by_class(grids, self.labels), self.real)
        self.note(scores)
        values = {f"collapse_{name}": scores[None][name] for name in COLUMNS}
        for number in self.classes:
            score = scores[number]
            score["contrast"] = min(score["contrast_ru"], score["contrast_o"])
            for name in CLASS_COLUMNS:
                values[f"collapse_{name}_class_{number}"] = score[name]
        return values

    def note(self, scores: Mapping[int | None, Mapping[str, float]]) -> None:
        """Write what is wrong as `text`, and count evaluations in a row with each alarm."""
        every = raised(scores[None])
        sentences = [ALARMS[name].text.format(**scores[None]) for name in every]
        by_name: dict[str, list[int]] = {name: [] for name in ALARMS}
        for number in self.classes:
            for name in raised(scores[number]):
                by_name[name].append(number)
        for name, numbers in by_name.items():
            if numbers and name not in every:
                kind, plural = ALARMS[name].text.partition(":")[0], "es" * (len(numbers) > 1)
                sentences.append(f"{kind} in class{plural} {', '.join(map(str, numbers))}.")
        self.text = renamed(" ".join(sentences), self.species)
        many = max(1, MANY_CLASSES * len(self.classes))
        wrong = [name for name in ENDING if name in every or len(by_name[name]) >= many]
        self.rows = {name: self.rows.get(name, 0) + 1 for name in wrong}

    @property
    def verdict(self) -> str:
        """What has been wrong for `PATIENCE` evaluations, in words; empty if nothing has."""
        if max(self.rows.values(), default=0) < PATIENCE:
            return ""
        return f"{self.text} So it was at the last {PATIENCE} evaluations."
