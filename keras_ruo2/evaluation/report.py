"""The results as files: metrics.json and a page that needs nothing beside it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup

from keras_ruo2.evaluation.tables import asked_tables, escape, fixed, html_table
from keras_ruo2.io.paths import write_text
from keras_ruo2.pages.render import finite, number, picture, write_html

METRICS, PAGE, PICTURES = "metrics.json", "evaluation.html", "pictures"

EXPLAINED = {
    "marginals": (
        "Physical quantities",
        "Wasserstein-1 distance of generated to real samples, in the quantity's unit; the floor is "
        "the same of two real halves. Ratio 1 is as good as real data; in brackets the 95 % "
        "bootstrap interval. Held-out: the ratio of real structures that the training lacks, where "
        "enough of them are held out.",
    ),
    "distances": (
        "Distances of pictures",
        "Sliced Wasserstein distances of the grids, of their Fourier amplitudes (crystal order, "
        "blind to translations) and of the amplitudes of their z profiles.",
    ),
    "neighbours": (
        "Neighbours",
        "Precision, recall, density and coverage among Fourier amplitudes: here a ratio below 1 is "
        "worse than real data.",
    ),
}


def write_metrics(folder: Path, metrics: Mapping[str, Any]) -> None:
    """Write metrics.json; values that are not finite become null."""
    text = json.dumps(finite(metrics), indent=1, ensure_ascii=False) + "\n"
    write_text(Path(folder) / METRICS, text)


def write_evaluation_page(
    folder: Path, metrics: Mapping[str, Any], pictures: Mapping[str, str]
) -> None:
    """Write evaluation.html with its pictures inside.

    Args:
        folder: Folder of the results; pictures lie in `PICTURES` below it.
        metrics: What `measure` found, with `run`, `samples` and `records`.
        pictures: Dict of file names to captions, in order.
    """
    parts = [
        f"<p>{escape(comparison_sentence(metrics))}</p>",
        alarm_list(metrics),
        overfitting_text(metrics.get("overfitting")),
        conditioning_text(metrics.get("conditioning")),
        energies_text(metrics.get("energies")),
        *asked_tables(metrics.get("asked", {})),
        validity_text(metrics.get("validity")),
        lattice_table(metrics.get("lattice")),
        critic_text(metrics.get("critic")),
        *(score_table(name, metrics) for name in EXPLAINED if name in metrics),
        collapse_table(metrics.get("collapse", {})),
        *(figure(Path(folder) / PICTURES / name, text) for name, text in pictures.items()),
    ]
    title = f"Evaluation of {metrics['run']}"
    write_html(Path(folder) / PAGE, "plain.html", title=title, body=Markup("\n".join(parts)))


def comparison_sentence(metrics: Mapping[str, Any]) -> str:
    """Return a sentence on what was compared with what."""
    samples, records = metrics["samples"], metrics["records"]
    total = sum(metrics["seconds"].values())
    return (
        f"{samples['count']:,} samples ({samples['source']}) against {records['training']:,} "
        f"training and {records['held_out']:,} held-out records of {records['folder']}; "
        f"measured in {total:.0f} s. Lengths in Å."
    )


def alarm_list(metrics: Mapping[str, Any]) -> str:
    """Return the headline, alarms and notes as paragraphs."""
    first = metrics.get("headline", {"verdict": "unknown", "text": "", "remarks": []})
    kind = "fine" if first["verdict"] == "good" else "alarm"
    paragraphs = [f'<p class="{kind}"><b>{escape(first["text"])}</b></p>']
    paragraphs += [f'<p class="alarm">{escape(text)}</p>' for text in metrics["alarms"]]
    if first["verdict"] == "good" and not metrics["alarms"]:
        paragraphs.append('<p class="fine">No sign of collapse, stripes, noise or dead output.</p>')
    return "\n".join(
        paragraphs + [f"<p>{escape(t)}</p>" for t in first["remarks"] + metrics["notes"]]
    )


def overfitting_text(scores: Mapping[str, Any] | None) -> str:
    """Return a paragraph on the most similar training records."""
    if not scores or "threshold" not in scores:
        return ""
    return (
        "<h2>Overfitting</h2><p>"
        f"{scores['similar']} of {scores['compared']} samples have a training record that is more "
        f"similar in both channels than 99 % of the held-out records have one (SSIM above "
        f"{scores['threshold']:.2f}); by chance it would be {0.01 * scores['compared']:.0f}. "
        f"Median SSIM of the best match: {scores['generated']['50']:.2f} generated, "
        f"{scores['held_out']['50']:.2f} held-out. Empty space is similar to empty space: "
        "slices with few atoms score high without being copies.</p>"
    )


def conditioning_text(scores: Mapping[str, Any] | None) -> str:
    """Return a paragraph on whether the class does anything."""
    if not scores:
        return ""
    made, real = scores["generated"], scores["held_out"]
    heard = "does nothing that can be read"
    if made["information"] > made["null_95"]:
        as_asked = made["accuracy"] > made["chance"] + chance_deviation(made)
        heard = "is heard" if as_asked else "changes what is drawn, but not into what was asked for"
    return (
        "<h2>Classes</h2><p>"
        f"The class {heard}: what a classifier of real training records reads in a sample has "
        f"{made['information']:.2f} bits in common with the class that was asked for (shuffled "
        f"classes: {made['null']:.2f}). Of held-out records it reads {real['information']:.2f} "
        f"bits (shuffled: {real['null']:.2f}), so that {scores['share']:.0%} of what can be read "
        f"is there. Read as asked: {made['accuracy']:.0%} (by chance {made['chance']:.0%}), of "
        f"held-out records {real['accuracy']:.0%} ({real['chance']:.0%}).</p>"
    )


def energies_text(scores: Mapping[str, Any] | None) -> str:
    """Return a paragraph on the energies of relaxed samples."""
    if not scores:
        return ""
    return (
        f"<p>Energies of {scores['count']} relaxed samples: {scores['information']:.2f} bits in "
        f"common with the class that was asked for (shuffled classes: {scores['null']:.2f}); as "
        f"asked: {scores['accuracy']:.0%} (by chance {scores['chance']:.0%}); rank correlation "
        f"{scores['correlation']:.2f}.</p>"
    )


def chance_deviation(scores: Mapping[str, Any]) -> float:
    """Return two standard deviations of the share that is read as asked by chance."""
    count = max(sum(map(sum, scores["confusion"])), 1)
    return 2 * math.sqrt(scores["chance"] * (1 - scores["chance"]) / count)


def validity_text(scores: Mapping[str, Any] | None) -> str:
    """Return a paragraph on how many whole grids are valid slabs."""
    if not scores:
        return ""
    reasons = ", ".join(f"{name} {count}" for name, count in scores["reasons"].items()) or "none"
    return (
        f"<h2>Valid slabs</h2><p>Of {scores['compared']} samples {scores['generated']:.0%} map "
        f"back to valid slabs, as they are, of real grids {scores['real']:.0%}. Against the "
        f"others: {escape(reasons)}.</p>"
    )


OPINIONS = {
    "own_critic": "Own length and critic's reading",
    "own_picture": "Own length and widths in the picture",
    "critic_picture": "Critic's reading and widths in the picture",
}


def lattice_table(lattice: Mapping[str, Any] | None) -> str:
    """Return how far opinions on the lengths are apart, and the mean ratios of lengths."""
    if not lattice:
        return ""
    rows = []
    for name, title in OPINIONS.items():
        if name in lattice["generated"]:
            sides = [lattice[whose][name]["mean_absolute"] for whose in ("generated", "held_out")]
            rows.append((f"{title} (Å)", *(", ".join(map(number, s.values())) for s in sides)))
    for name in lattice["generated"]["ratios"]:
        sides = [lattice[whose]["ratios"][name] for whose in ("generated", "held_out")]
        texts = [f"{number(s['mean'])} ± {number(s['deviation'])}" for s in sides]
        rows.append((f"Ratio {name.replace('_over_', ' : ')}", *texts))
    for name in ("joint_lengths", "joint_ratios"):
        if name in lattice:
            score = lattice[name]
            text = f"{number(score['ratio'])} ({number(score['low'])} to {number(score['high'])})"
            rows.append((f"Distance of {name.replace('_', ' ')} over floor", text, ""))
    return (
        "<h2>Lattice lengths</h2><p>Mean absolute differences along each axis. The own length is "
        "the generator's, or the true one of a held-out record; alpha is fixed, so the width of an "
        "atom in voxels tells the length that the picture was drawn in.</p>"
        + html_table(("", "Generated", "Held-out"), rows)
    )


def critic_text(critic: Mapping[str, Any] | None) -> str:
    """Return a paragraph on what the critic scores high and low."""
    if not critic:
        return ""
    means, widths = critic["mean_scores"], critic["deviations"]
    shown = ", ".join(
        f"{name.replace('_', '-')} {number(means[name])} ± {number(widths[name])}" for name in means
    )
    listed = {
        which: ", ".join(
            f"{escape(item['structure'])} ({number(item['score'])})"
            for item in critic[f"{which}_structures"]
        )
        for which in ("lowest", "highest")
    }
    return (
        f"<h2>Critic</h2><p>Mean scores: {shown}. Training structures with the lowest mean score: "
        f"{listed['lowest']}; with the highest: {listed['highest']}.</p>"
    )


def score_table(group: str, metrics: Mapping[str, Any]) -> str:
    """Return a group of scores as a table."""
    title, text = EXPLAINED[group]
    rows, columns = [], 4 if group in metrics.get("held_out", {}) else 3
    for name, score in metrics[group].items():
        label = score.get("title") or name.replace("_", " ")
        unit = f" ({score['unit']})" if score.get("unit") else ""
        new = metrics.get("held_out", {}).get(group, {}).get(name)
        interval = f"{number(score['ratio'])} ({number(score['low'])} to {number(score['high'])})"
        cells = [
            number(score["value"]),
            number(score["floor"]),
            interval,
            number(new),
        ]
        rows.append((label + unit, *cells[:columns]))
    head = ("", "Value", "Floor", "Ratio", "Held-out ratio")[: columns + 1]
    return f"<h2>{title}</h2><p>{text}</p>" + html_table(head, rows)


def collapse_table(collapse: Mapping[str, Any] | None) -> str:
    """Return the scores of collapse as a table, a row for all samples and one for each class."""
    if not collapse:
        return ""
    names = list(collapse["all"])
    rows = [(group, *(fixed(scores[name]) for name in names)) for group, scores in collapse.items()]
    return (
        "<h2>Collapse</h2><p>Diversity, spacing and contrast over those of real data; stripes and "
        "echoes from 0 (as real) to 1 (nothing else); noise and background above those of real "
        "data.</p>" + html_table(("", *(name.replace("_", " ") for name in names)), rows)
    )


def figure(path: Path, caption: str) -> str:
    """Return a picture with its data in the page."""
    text = escape(caption)
    return (
        f'<figure><img alt="{text}" src="{picture(path)}"><figcaption>{text}</figcaption></figure>'
    )
