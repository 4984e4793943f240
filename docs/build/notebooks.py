"""Notebooks: scripts in cells that start with `# %%`, run, as pages and as .ipynb to take along."""

import base64
import os
import tempfile
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient

SECONDS = 1200  # that one cell may take


def pages(folder):
    """Return the content of a page, its pictures and an .ipynb for each script of a folder."""
    found = {}
    for script in sorted(folder.glob("*.py")):
        notebook = jupytext.read(script)
        if os.environ.get("NOTEBOOKS") != "skip":
            run(notebook)
        text, pictures = markdown(notebook, script.stem)
        found[f"notebooks/{script.stem}.md"] = text
        found[f"notebooks/{script.stem}.ipynb"] = nbformat.writes(notebook)
        found |= pictures
    return found


def run(notebook):
    """Execute a notebook in a folder of its own, with the package of this clone."""
    os.environ["PYTHONPATH"] = str(Path(__file__).resolve().parents[2])
    with tempfile.TemporaryDirectory() as place:
        resources = {"metadata": {"path": place}}
        client = NotebookClient(notebook, timeout=SECONDS, resources=resources)
        client.kernel_name = "python3"
        client.execute()


def markdown(notebook, name):
    """Return an executed notebook as Markdown, and its pictures by their names."""
    lines, pictures = [], {}
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            lines += [cell.source, ""]
            continue
        lines += ["```python", cell.source, "```", ""]
        for output in cell.get("outputs", ()):
            shown = output.get("data", {})
            if "image/png" in shown:
                picture = f"{name}_{len(pictures)}.png"
                pictures[f"notebooks/{picture}"] = base64.b64decode(shown["image/png"])
                lines += [f"![Output of the cell above]({picture})", ""]
            elif text := output.get("text", shown.get("text/plain", "")):
                lines += ["```text", text.rstrip(), "```", ""]
    heading, rest = "\n".join(lines).split("\n", 1)
    return f"{heading}\n\n[Take it along as a notebook]({name}.ipynb).\n{rest}", pictures
