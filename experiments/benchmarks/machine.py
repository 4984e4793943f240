"""What every benchmark says beside its figures, and how ways are timed against each other."""

import importlib.metadata
import json
import platform
import statistics
import time
from pathlib import Path

from keras_ruo2.metrics.ssim import available_cores

PACKAGES = ("keras", "numpy", "tensorflow", "tensorflow-cpu", "jax", "torch")


def report(name, figures):
    """Print one JSON line."""
    print(json.dumps({"name": name, "figures": figures} | machine()))


def machine():
    """Return versions, cores and processor."""
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {"versions": versions, "cores": available_cores(), "processor": processor()}


def processor():
    """Return the processor's name."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def core_seconds(ways, repeats):
    """Return the median processor seconds of each way, timed in turns after one call each.

    On a shared machine processor time says more than wall time.

    Args:
        ways: Dict of functions without arguments.
        repeats: Turns.
    """
    for way in ways.values():
        way()
    times = {name: [] for name in ways}
    for _ in range(repeats):
        for name, way in ways.items():
            begin = time.process_time()
            way()
            times[name].append(time.process_time() - begin)
    return {name: statistics.median(values) for name, values in times.items()}
