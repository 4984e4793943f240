"""What happens to files on disks: flips, cuts, doubled and lost blocks, swapped words, zeros."""

import re

WORDS = re.compile(rb"[A-Za-z_]+|-?[0-9.]+(?:e-?[0-9]+)?")
OTHERS = (b"NaN", b"-1", b"1e308", b"0", b"99999999999999999999", b"null", b"", b"\xff\xfe", b"[")


def flip(content, rng):
    """Change one bit."""
    place = int(rng.integers(len(content)))
    changed = content[place] ^ (1 << int(rng.integers(8)))
    return content[:place] + bytes([changed]) + content[place + 1 :]


def cut(content, rng):
    """Lose the end."""
    return content[: int(rng.integers(len(content)))]


def double(content, rng):
    """Have a block twice."""
    start, end = block(content, rng)
    return content[:end] + content[start:]


def lose(content, rng):
    """Lose a block."""
    start, end = block(content, rng)
    return content[:start] + content[end:]


def blank(content, rng):
    """Have zeros where a block was."""
    start, end = block(content, rng)
    return content[:start] + bytes(end - start) + content[end:]


def swap(content, rng):
    """Swap two words, or numbers."""
    found = list(WORDS.finditer(content[:2_000_000]))
    if len(found) < 2:
        return flip(content, rng)
    first, second = sorted(rng.choice(len(found), 2, replace=False).tolist())
    one, other = found[first].span(), found[second].span()
    return b"".join(
        (
            content[: one[0]],
            content[slice(*other)],
            content[one[1] : other[0]],
            content[slice(*one)],
            content[other[1] :],
        )
    )


def replace(content, rng):
    """Have something else where a word or number was: a size that is wrong, for one."""
    found = list(WORDS.finditer(content[:2_000_000]))
    if not found:
        return flip(content, rng)
    start, end = found[int(rng.integers(len(found)))].span()
    return content[:start] + OTHERS[int(rng.integers(len(OTHERS)))] + content[end:]


KINDS = (flip, cut, double, lose, blank, swap, replace)


def block(content, rng):
    """Return where a block of up to 4,096 bytes begins and ends."""
    start = int(rng.integers(len(content)))
    return start, min(len(content), start + 1 + int(rng.integers(4096)))


def damaged(content, count, rng):
    """Yield so many damaged contents, each kind in turn, none of them what it was."""
    made = 0
    while made < count:
        changed = KINDS[made % len(KINDS)](content, rng)
        if changed != content:
            made += 1
            yield changed
