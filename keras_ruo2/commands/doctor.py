"""`doctor`: print what is installed, what works and what is missing."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from keras_ruo2.backend import BACKENDS
from keras_ruo2.doctor import examine, works

if TYPE_CHECKING:
    from keras_ruo2.config import DoctorConfig


def main(config: DoctorConfig) -> dict[str, Any]:
    """Examine the environment and print it; return what was found."""
    findings = examine(config.quick)
    if not config.json:
        print("\n".join(report_lines(findings)))
    if not works(findings):
        wanted = findings["extras"]["cpu"]["install"]
        sys.exit(f"No Keras backend works: train, generate and discover need one. {wanted}")
    return findings


def report_lines(findings: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of a report on an environment."""
    yield f"keras_ruo2  {findings['keras_ruo2']}"
    yield f"Python      {findings['python']}"
    free = findings["free_memory_gb"]
    yield f"System      {findings['system']}, {'?' if free is None else free} GB of memory free"
    onednn = "on" if findings["onednn"] else "off (TF_ENABLE_ONEDNN_OPTS=1 turns it on)"
    yield f"oneDNN      {onednn}"
    yield "Libraries   " + ", ".join(f"{name} {v}" for name, v in findings["libraries"].items())
    yield "Backends"
    for name in BACKENDS:
        yield f"  {name:11s} {state_of(findings['backends'].get(name))}"
    yield "Extras"
    for name, extra in findings["extras"].items():
        lacks = ", ".join(extra["missing"])
        state = f"missing ({lacks}); {extra['install']}" if lacks else "installed"
        yield f"  {name:11s} {extra['purpose']}: {state}"


def state_of(backend: Mapping[str, Any] | None) -> str:
    """Return a few words on a backend."""
    if backend is None:
        return "not installed"
    if backend["error"]:
        return f"BROKEN: {backend['error']}"
    devices = "not started" if backend["devices"] is None else ", ".join(backend["devices"])
    return f"{backend['version']}, {devices}"
