"""MkDocs hooks: pages from the code, cards and experiments beside the docs, equations as MathML."""

import posixpath
import re
import sys
from pathlib import Path

from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

import math_pages  # noqa: E402
import notebooks  # noqa: E402
import reference  # noqa: E402

CARDS = ("tfrecords/README.md", "keras_ruo2/bundled/README.md", "CONTRIBUTING.md", "CHANGELOG.md")
SHOWN = (".md", ".png", ".extxyz", ".sh", ".py", ".csv")  # of experiments/
LINK = re.compile(r"(\]\()([^)#\s:]+)(#[^)]*)?\)")
MOVED = {"README.md": "index.md"}  # in the repository, in the documentation


def on_files(files, config):
    """Add what is not in docs/: generated pages, data and model cards, experiments."""
    for name, text in reference.pages().items():
        files.append(File.generated(config, name, content=text))
    for name, content in notebooks.pages(ROOT / "docs" / "notebooks").items():
        files.append(File.generated(config, name, content=content))
    experiments = sorted(ROOT.glob("experiments/**/*"))
    shown = [path for path in experiments if path.suffix in SHOWN and path.is_file()]
    for path in (*(ROOT / card for card in CARDS), *shown):
        name = path.relative_to(ROOT).as_posix()
        files.append(File.generated(config, name, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown, page, config, files):
    """Point links at the documentation's own tree, and write equations as MathML."""
    here = page.file.src_uri
    in_repository = here if here.startswith("experiments/") or here in CARDS else f"docs/{here}"
    linked = LINK.sub(lambda found: relinked(found, here, in_repository), markdown)
    return math_pages.with_mathml(linked)


def relinked(found, here, in_repository):
    """Return a link to a file of the repository as a link within the documentation."""
    folder = posixpath.dirname(in_repository)
    target = posixpath.normpath(posixpath.join(folder, found[2]))
    target = MOVED.get(target, target.removeprefix("docs/"))
    start = posixpath.dirname(here) or "."
    return f"{found[1]}{posixpath.relpath(target, start)}{found[3] or ''})"
