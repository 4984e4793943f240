"""Type 500 random command lines: python -m experiments.reliability.command_lines

Prints how many were refused, accepted (the command itself is not run) or answered with help, and
those that ended in anything else, such as a traceback.
"""

import collections
import tempfile

import fire

from tests.command_lines import outcomes

FINE = ("refused", "accepted", "help")


def main(count=500, seed=0):
    """Print a line for each outcome, and the command lines that ended badly."""
    found, bad = collections.Counter(), []
    with tempfile.TemporaryDirectory() as folder:
        for program, words, how in outcomes(count, seed, folder):
            found[how if how in FINE else "anything else"] += 1
            if how not in FINE:
                bad.append(f"{program} {words!r:.300}: {how}")
    print("\n".join([", ".join(f"{name} {n}" for name, n in found.most_common()), *bad]))
    return int(bool(bad))


if __name__ == "__main__":
    raise SystemExit(fire.Fire(main, serialize=lambda _: None))
