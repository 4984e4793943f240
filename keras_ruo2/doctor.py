"""What is installed, what works, and what is missing for which command. Imports no backend."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from keras_ruo2.backend import BACKENDS, ONEDNN
from keras_ruo2.extras import EXTRAS, install, is_found, missing
from keras_ruo2.io.memory import free_memory
from keras_ruo2.version import installed_version

SECONDS = 120  # after which a backend that does not start counts as broken
NEEDED = ("keras", "numpy", "scipy", "ase", "scikit-image", "matplotlib")
DISTRIBUTIONS = {
    "tensorflow": ("tensorflow", "tensorflow-cpu"),
    "jax": ("jax",),
    "torch": ("torch",),
}
DEVICES = {
    "tensorflow": "[d.name for d in m.config.list_physical_devices()]",
    "jax": "[str(d) for d in m.devices()]",
    "torch": "['cpu', *(m.cuda.get_device_name(k) for k in range(m.cuda.device_count()))]",
}
PROBE = """
import json, os
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import {module} as m, keras
print(json.dumps([m.__version__, {devices}]))
"""


def examine(quick: bool = False) -> dict[str, Any]:
    """Return what is found, as JSON can hold it.

    Args:
        quick: Whether no backend is started.
    """
    free = free_memory()
    return {
        "keras_ruo2": installed_version(),
        "python": f"{platform.python_version()}, {sys.executable}",
        "system": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPU cores",
        "free_memory_gb": None if free is None else round(free / 1e9, 1),
        "onednn": os.environ.get(ONEDNN) == "1",
        "libraries": {name: installed_version(name) for name in NEEDED},
        "backends": examine_backends(quick),
        "extras": {name: examine_extra(name) for name in EXTRAS},
    }


def examine_backends(quick: bool) -> dict[str, dict[str, Any]]:
    """Return a dict of `version`, `devices` and `error` for each backend that is installed."""
    names = [name for name in BACKENDS if is_found(name)]
    if quick:
        return {
            name: {"version": version_of(name), "devices": None, "error": None} for name in names
        }
    started = {name: start_backend_process(name) for name in names}
    return {name: outcome(process) for name, process in started.items()}


def version_of(backend: str) -> str:
    """Return the version of an installed backend, by the names it is distributed under."""
    for name in DISTRIBUTIONS[backend]:
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return "unknown"


def start_backend_process(backend: str) -> subprocess.Popen[str]:
    """Start a process that imports a backend and prints its version and devices."""
    code = PROBE.format(module=backend, devices=DEVICES[backend])
    return subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, "KERAS_BACKEND": backend},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def outcome(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Return what `start_backend_process` found, its error in one line."""
    try:
        out, err = process.communicate(timeout=SECONDS)
        version, devices = json.loads(out.strip().splitlines()[-1])
        return {"version": version, "devices": devices, "error": None}
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        error = f"did not start within {SECONDS} s (a busy machine, or a driver that hangs)"
    except (ValueError, IndexError):
        lines = [line for line in err.splitlines() if line.strip()]
        error = lines[-1].strip() if lines else f"ended with status {process.returncode}"
    return {"version": None, "devices": None, "error": error}


def examine_extra(name: str) -> dict[str, Any]:
    """Return what of an extra is missing, what it is for and how it is installed."""
    return {
        "missing": list(missing(name)),
        "purpose": EXTRAS[name].purpose,
        "install": install(name),
    }


def works(findings: Mapping[str, Any]) -> bool:
    """Say whether a backend works, as far as `examine` has tried."""
    return any(not backend["error"] for backend in findings["backends"].values())
