"""List the licences of everything that is installed: python -m experiments.reliability.licences

Names those that are copyleft or not for commercial use, and whether the core needs them: what the
core needs must be neither (the exit status says so).
"""

import importlib.metadata
import re

import fire

RESTRICTED = re.compile(
    r"\bA?GPL|\bLGPL|\bMPL|General Public|Mozilla Public|Affero|Non-?Commercial|\bCC-BY-NC|"
    r"\bASL\b|Academic",
    re.IGNORECASE,
)
STRICT = re.compile(r"Non-?Commercial|\bCC-BY-NC|\bASL\b|Academic|Affero|\bAGPL", re.IGNORECASE)
OWN = "keras_ruo2"


def licence_of(package):
    """Return what a distribution says of its licence, on one line."""
    about = package.metadata
    classified = [
        text.rpartition("::")[2].strip()
        for text in about.get_all("Classifier") or ()
        if text.startswith("License ::")
    ]
    said = about.get("License-Expression") or "; ".join(classified) or about.get("License") or ""
    return " ".join(said.split())[:80] or "not said"


def name_of(requirement):
    """Return the normal name of a package in a requirement."""
    return re.sub(r"[-_.]+", "-", re.match(r"[A-Za-z0-9._-]+", requirement)[0]).lower()


def needed_by_core(installed):
    """Return the names of what is installed with no extra at all, however indirectly."""
    found, waiting = set(), [name_of(OWN)]
    while waiting:
        name = waiting.pop()
        if name in found or name not in installed:
            continue
        found.add(name)
        for requirement in installed[name].requires or ():
            if "extra ==" not in requirement:
                waiting.append(name_of(requirement))
    return found


def main():
    """Print a table, the restricted ones first."""
    packages = importlib.metadata.distributions()
    installed = {name_of(package.metadata["Name"]): package for package in packages}
    core, rows = needed_by_core(installed), []
    for name, package in sorted(installed.items()):
        licence = licence_of(package)
        rows.append((not RESTRICTED.search(licence), name, package.version, licence, name in core))
    print("| package | version | licence | needed by |\n|---|---|---|---|")
    for free, name, version, licence, inside in sorted(rows):
        mark = "" if free else " (copyleft or restricted)"
        print(f"| {name} | {version} | {licence}{mark} | {'core' if inside else 'extras'} |")
    bad = [name for _, name, _, licence, inside in rows if inside and STRICT.search(licence)]
    print(f"\n{len(rows)} packages, {sum(not row[0] for row in rows)} copyleft or restricted.")
    return int(bool(bad))


if __name__ == "__main__":
    raise SystemExit(fire.Fire(main, serialize=lambda _: None))
