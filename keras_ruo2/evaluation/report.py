"""The results as files: metrics.json and a page that needs nothing beside it."""

import json
import math
from pathlib import Path

from markupsafe import Markup

from keras_ruo2.evaluation.tables import asked_tables, escape, fixed, html_table
from keras_ruo2.io.paths import whole
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


def write_metrics(folder, metrics):
    """Write metrics.json; values that are not finite become null."""
    text = json.dumps(finite(metrics), indent=1, ensure_ascii=False) + "\n"
    with whole(Path(folder) / METRICS) as partial:
        partial.write_text(text, encoding="utf-8")


def write_evaluation_page(folder, metrics, pictures):
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


def comparison_sentence(metrics):
    """Return a sentence on what was compared with what."""
    samples, records = metrics["samples"], metrics["records"]
    total = sum(metrics["seconds"].values())
    return (
        f"{samples['count']:,} samples ({samples['source']}) against {records['training']:,} "
        f"training and {records['held_out']:,} held-out records of {records['folder']}; "
        f"measured in {total:.0f} s. Lengths in Å."
    )


def alarm_list(metrics):
    """Return the headline, alarms and notes as paragraphs."""
    first = metrics.get("headline", {"verdict": "unknown", "text": "", "remarks": []})
    kind = "fine" if first["verdict"] == "good" else "alarm"
    told = [f'<p class="{kind}"><b>{escape(first["text"])}</b></p>']
    told += [f'<p class="alarm">{escape(text)}</p>' for text in metrics["alarms"]]
    if first["verdict"] == "good" and not metrics["alarms"]:
        told.append('<p class="fine">No sign of collapse, stripes, noise or dead output.</p>')
    return "\n".join(told + [f"<p>{escape(t)}</p>" for t in first["remarks"] + metrics["notes"]])


def overfitting_text(found):
    """Return a paragraph on the most similar training records."""
    if not found or "threshold" not in found:
        return ""
    return (
        "<h2>Overfitting</h2><p>"
        f"{found['similar']} of {found['compared']} samples have a training record that is more "
        f"similar in both channels than 99 % of the held-out records have one (SSIM above "
        f"{found['threshold']:.2f}); by chance it would be {0.01 * found['compared']:.0f}. Median "
        f"SSIM of the best match: {found['generated']['50']:.2f} generated, "
        f"{found['held_out']['50']:.2f} held-out. Empty space is similar to empty space: "
        "slices with few atoms score high without being copies.</p>"
    )


def conditioning_text(found):
    """Return a paragraph on whether the class does anything."""
    if not found:
        return ""
    made, real = found["generated"], found["held_out"]
    heard = "does nothing that can be read"
    if made["information"] > made["null_95"]:
        as_asked = made["accuracy"] > made["chance"] + chance_deviation(made)
        heard = "is heard" if as_asked else "changes what is drawn, but not into what was asked for"
    return (
        "<h2>Classes</h2><p>"
        f"The class {heard}: what a classifier of real training records reads in a sample has "
        f"{made['information']:.2f} bits in common with the class that was asked for (shuffled "
        f"classes: {made['null']:.2f}). Of held-out records it reads {real['information']:.2f} "
        f"bits (shuffled: {real['null']:.2f}), so that {found['share']:.0%} of what can be read "
        f"is there. Read as asked: {made['accuracy']:.0%} (by chance {made['chance']:.0%}), of "
        f"held-out records {real['accuracy']:.0%} ({real['chance']:.0%}).</p>"
    )


def energies_text(found):
    """Return a paragraph on the energies of relaxed samples."""
    if not found:
        return ""
    return (
        f"<p>Energies of {found['count']} relaxed samples: {found['information']:.2f} bits in "
        f"common with the class that was asked for (shuffled classes: {found['null']:.2f}); as "
        f"asked: {found['accuracy']:.0%} (by chance {found['chance']:.0%}); rank correlation "
        f"{found['correlation']:.2f}.</p>"
    )


def chance_deviation(found):
    """Return two standard deviations of the share that is read as asked by chance."""
    count = max(sum(map(sum, found["confusion"])), 1)
    return 2 * math.sqrt(found["chance"] * (1 - found["chance"]) / count)


def validity_text(found):
    """Return a paragraph on how many whole grids are valid slabs."""
    if not found:
        return ""
    reasons = ", ".join(f"{name} {count}" for name, count in found["reasons"].items()) or "none"
    return (
        f"<h2>Valid slabs</h2><p>Of {found['compared']} samples {found['generated']:.0%} map back "
        f"to valid slabs, as they are, of real grids {found['real']:.0%}. Against the others: "
        f"{escape(reasons)}.</p>"
    )


OPINIONS = {
    "own_critic": "Own length and critic's reading",
    "own_picture": "Own length and widths in the picture",
    "critic_picture": "Critic's reading and widths in the picture",
}


def lattice_table(found):
    """Return how far opinions on the lengths are apart, and the mean ratios of lengths."""
    if not found:
        return ""
    rows = []
    for name, title in OPINIONS.items():
        if name in found["generated"]:
            sides = [found[whose][name]["mean_absolute"] for whose in ("generated", "held_out")]
            rows.append((f"{title} (Å)", *(", ".join(map(number, s.values())) for s in sides)))
    for name in found["generated"]["ratios"]:
        sides = [found[whose]["ratios"][name] for whose in ("generated", "held_out")]
        texts = [f"{number(s['mean'])} ± {number(s['deviation'])}" for s in sides]
        rows.append((f"Ratio {name.replace('_over_', ' : ')}", *texts))
    for name in ("joint_lengths", "joint_ratios"):
        if name in found:
            score = found[name]
            text = f"{number(score['ratio'])} ({number(score['low'])} to {number(score['high'])})"
            rows.append((f"Distance of {name.replace('_', ' ')} over floor", text, ""))
    return (
        "<h2>Lattice lengths</h2><p>Mean absolute differences along each axis. The own length is "
        "the generator's, or the true one of a held-out record; alpha is fixed, so the width of an "
        "atom in voxels tells the length that the picture was drawn in.</p>"
        + html_table(("", "Generated", "Held-out"), rows)
    )


def critic_text(found):
    """Return a paragraph on what the critic scores high and low."""
    if not found:
        return ""
    means, widths = found["mean_scores"], found["deviations"]
    shown = ", ".join(
        f"{name.replace('_', '-')} {number(means[name])} ± {number(widths[name])}" for name in means
    )
    listed = {
        which: ", ".join(
            f"{escape(item['structure'])} ({number(item['score'])})"
            for item in found[f"{which}_structures"]
        )
        for which in ("lowest", "highest")
    }
    return (
        f"<h2>Critic</h2><p>Mean scores: {shown}. Training structures with the lowest mean score: "
        f"{listed['lowest']}; with the highest: {listed['highest']}.</p>"
    )


def score_table(group, metrics):
    """Return a group of scores as a table."""
    title, text = EXPLAINED[group]
    rows, columns = [], 4 if group in metrics.get("held_out", {}) else 3
    for name, found in metrics[group].items():
        label = found.get("title") or name.replace("_", " ")
        unit = f" ({found['unit']})" if found.get("unit") else ""
        new = metrics.get("held_out", {}).get(group, {}).get(name)
        interval = f"{number(found['ratio'])} ({number(found['low'])} to {number(found['high'])})"
        cells = [
            number(found["value"]),
            number(found["floor"]),
            interval,
            number(new),
        ]
        rows.append((label + unit, *cells[:columns]))
    head = ("", "Value", "Floor", "Ratio", "Held-out ratio")[: columns + 1]
    return f"<h2>{title}</h2><p>{text}</p>" + html_table(head, rows)


def collapse_table(collapse):
    """Return the scores of collapse as a table, a row for all samples and one for each class."""
    if not collapse:
        return ""
    names = list(collapse["all"])
    rows = [(group, *(fixed(found[name]) for name in names)) for group, found in collapse.items()]
    return (
        "<h2>Collapse</h2><p>Diversity, spacing and contrast over those of real data; stripes and "
        "echoes from 0 (as real) to 1 (nothing else); noise and background above those of real "
        "data.</p>" + html_table(("", *(name.replace("_", " ") for name in names)), rows)
    )


def figure(path, caption):
    """Return a picture with its data in the page."""
    text = escape(caption)
    return (
        f'<figure><img alt="{text}" src="{picture(path)}"><figcaption>{text}</figcaption></figure>'
    )
