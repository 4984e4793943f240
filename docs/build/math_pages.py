"""Equations as MathML, which browsers draw by themselves: no script, nothing fetched."""

import re

import latex2mathml.converter

CODE = re.compile(r"(^```.*?^```|^ {4,}.*?$|`[^`\n]*`)", re.DOTALL | re.MULTILINE)
DISPLAYED = re.compile(r"\$\$(.+?)\$\$", re.DOTALL)
INLINE = re.compile(r"(?<![\\$\w])\$([^$\n]+?)\$(?!\w)")


def with_mathml(markdown):
    """Return Markdown with `$...$` and `$$...$$` as MathML; code stays as it is."""
    parts = CODE.split(markdown)
    return "".join(part if number % 2 else converted(part) for number, part in enumerate(parts))


def converted(text):
    """Return a piece of text without code, its equations as MathML."""
    text = DISPLAYED.sub(lambda found: f"\n\n<div>{mathml(found[1], 'block')}</div>\n\n", text)
    # Markdown takes <math> at the beginning of a line for a block of its own.
    return INLINE.sub(lambda found: f"<span>{mathml(found[1], 'inline')}</span>", text)


def mathml(latex, display):
    """Return an equation as MathML on one line."""
    return latex2mathml.converter.convert(latex.strip(), display=display).replace("\n", " ")
