"""What an evaluation says first: is what is drawn like real data, and if not, in what way?

Four questions, each with a number over what real data score among themselves: do samples lie among
real ones (precision), are real ones drawn (recall), is crystal order there (Fourier amplitudes),
and, of whole grids, do they map back to valid slabs? Absence of alarms answers none of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from keras_ruo2.data.description import FEWEST_HELD_OUT
from keras_ruo2.metrics.collapse import OF_A_CLASS

GOOD, PARTLY, BAD, UNKNOWN = "good", "partly", "bad", "unknown"
VERDICTS = {
    GOOD: "Like real data, as far as this tells.",
    PARTLY: "Partly like real data.",
    BAD: "Not like real data.",
    UNKNOWN: "Not judged: too few samples or records.",
}
LEARNED_BY_HEART = 0.9  # share of samples with a near-copy among training records


class Question(NamedTuple):
    """One of the questions.

    Args:
        bad: Ratio from which on the answer is bad.
        good: Ratio up to which it is good. Below `bad` where small is bad, above where large is.
        bad_text: What is wrong, with `{ratio}`, `{value}` and `{floor}`.
        text: What is said otherwise.
    """

    bad: float
    good: float
    bad_text: str
    text: str


# Of gap2d_clean held-out slices, of other structures, have a precision of 0.95 of that of real
# halves, a recall of 0.71 and spectra 2.3 times as far away; real slices blurred by 0.7 voxels
# 0.36, 0.06 and 5.1; those with the O of other slices 0.47, 0.96 and 1.6.
QUESTIONS = {
    "precision": Question(
        0.5, 0.8, "most samples lie where no real grid is", "samples that lie among real grids"
    ),
    "recall": Question(
        0.2, 0.5, "most of what real grids look like is never drawn", "real grids that are drawn"
    ),
    "spectrum": Question(5.0, 3.0, "crystal order is missing", "distance of crystal order"),
    "validity": Question(
        0.1, 0.5, "hardly a sample maps back to a valid slab", "samples that are valid slabs"
    ),
}


def headline(metrics: Mapping[str, Any], num_held_out: int | None = None) -> dict[str, Any]:
    """Judge what was measured.

    Args:
        metrics: What `measure` found; `validity` of whole grids.
        num_held_out: Independent held-out structures, where they are known.

    Returns:
        Dict: `verdict`, a key of `VERDICTS`; `text`, a few sentences; `answers`, a verdict for each
        of `QUESTIONS` that could be answered; `remarks`, a list of sentences.
    """
    scores = scores_of(metrics)
    answers = {name: answer(QUESTIONS[name], *values) for name, values in scores.items()}
    levels = list(answers.values())
    verdict = next((level for level in (BAD, PARTLY) if level in levels), GOOD)
    if not {"precision", "recall"} <= set(answers):
        verdict = UNKNOWN if verdict == GOOD else verdict
    alarms = metrics.get("alarms", [])
    if any(not text.startswith(OF_A_CLASS) for text in alarms):
        verdict = BAD
    remarks = remarks_on(metrics, num_held_out)
    if verdict == GOOD and (alarms or learned_by_heart(metrics)):
        verdict = PARTLY
    return {
        "verdict": verdict,
        "text": " ".join([VERDICTS[verdict], *sentences(scores, answers)]),
        "answers": answers,
        "remarks": remarks,
    }


def scores_of(metrics: Mapping[str, Any]) -> dict[str, tuple[float, float, float]]:
    """Return `(value, floor, ratio)` by question, of those that were measured."""
    scores = {}
    for name in ("precision", "recall"):
        score = metrics.get("neighbours", {}).get(name)
        if score is not None:
            scores[name] = (score["value"], score["floor"], score["ratio"])
    score = metrics.get("distances", {}).get("spectra")
    if score is not None:
        scores["spectrum"] = (score["value"], score["floor"], score["ratio"])
    validity = metrics.get("validity")
    if validity is not None and validity["real"] > 0:
        ratio = validity["generated"] / validity["real"]
        scores["validity"] = (validity["generated"], validity["real"], ratio)
    return {name: values for name, values in scores.items() if np.isfinite(values[2])}


def answer(question: Question, value: float, floor: float, ratio: float) -> str:
    """Return `GOOD`, `PARTLY` or `BAD`."""
    if question.bad < question.good:
        return BAD if ratio < question.bad else PARTLY if ratio < question.good else GOOD
    return BAD if ratio > question.bad else PARTLY if ratio > question.good else GOOD


def sentences(
    scores: Mapping[str, tuple[float, float, float]], answers: Mapping[str, str]
) -> list[str]:
    """Return a sentence for what is wrong and one with the numbers of the rest."""
    wrong = [QUESTIONS[name].bad_text for name, level in answers.items() if level == BAD]
    numbers = "; ".join(numbers_of(name, *values) for name, values in scores.items())
    return [f"{part[0].upper()}{part[1:]}." for part in ("; ".join(wrong), numbers) if part]


def numbers_of(name: str, value: float, floor: float, ratio: float) -> str:
    """Return a question's numbers in words."""
    if name == "spectrum":
        return f"spectra {ratio:.1f} times as far as those of real halves"
    beside = "real grids" if name == "validity" else "real halves"
    return f"{name} {value:.2f} ({beside} {floor:.2f})"


def learned_by_heart(metrics: Mapping[str, Any]) -> bool:
    """Say whether nearly all samples have a near-copy among the training records."""
    return metrics.get("overfitting", {}).get("similar_share", 0) > LEARNED_BY_HEART


def remarks_on(metrics: Mapping[str, Any], num_held_out: int | None) -> list[str]:
    """Return what else to know before the numbers are read."""
    remarks = []
    if learned_by_heart(metrics):
        share = metrics["overfitting"]["similar_share"]
        remarks.append(
            f"Learned by heart: {share:.0%} of the samples have a near-copy in training."
        )
    if num_held_out is not None and num_held_out < FEWEST_HELD_OUT:
        remarks.append(
            f"{num_held_out} held-out structure{'s are' if num_held_out != 1 else ' is'} no "
            "yardstick: no ratio to held-out records is given here or by the training, and what "
            "else is said of them below is about single slabs. Hold out "
            f"{FEWEST_HELD_OUT} or more (records --holdout)."
        )
    return remarks
