"""Every kind of file that a command reads again, and what reads it: for damage to each of them."""

import contextlib
import dataclasses
import io
import shutil
import signal
import tracemalloc
from pathlib import Path
from typing import NamedTuple

import ase.io
import h5py
import numpy as np
from ase.db import connect

from keras_ruo2 import runs
from keras_ruo2.basin_hopping.chains import COLUMNS, Chain, check_settings
from keras_ruo2.config import DiscoverConfig, RelaxConfig, TrainConfig
from keras_ruo2.config.preparation import RecordsConfig
from keras_ruo2.data.description import TRAINING, load_description, verify_shards
from keras_ruo2.data.reader import Records
from keras_ruo2.errors import ConfigError
from keras_ruo2.io import workfolder as discover
from keras_ruo2.io.arrays import read_arrays
from keras_ruo2.io.frames import append_frame, seals_of, whole_frames, write_frames
from keras_ruo2.io.pool import SerialPool
from keras_ruo2.io.state import SAID, write_state
from keras_ruo2.io.structures import read_structures
from keras_ruo2.records import build, workplace
from keras_ruo2.relaxation.batch import check_same_work, settings_of
from keras_ruo2.runs.checkpoint import WEIGHTS, seal_checkpoint
from keras_ruo2.structure.cells import with_energy
from keras_ruo2.structure.layers import with_layers
from keras_ruo2.structure.slabs import build_slab
from tests.damage import damaged

SECONDS, MEMORY = 60, 1_000_000_000  # that reading one small file may take
REFUSED, SAME, TOLD = "refused by name", "same result", "another result, with a word"
SILENT, TRACEBACK, HANG = "another result, without a word", "traceback", "hang"
UNNAMED, SWOLLEN = "refused without its name", "memory above 1 GB"
OUTCOMES = (REFUSED, SAME, TOLD, SILENT, UNNAMED, TRACEBACK, HANG, SWOLLEN)


class Case(NamedTuple):
    """A kind of file.

    Args:
        name: For tables.
        group: Folder that it is in, a key of `MAKERS`.
        file: Its path in that folder.
        ours: Whether a command wrote it for itself, so that every damage can be told.
    """

    name: str
    group: str
    file: str
    ours: bool = True


def slabs(count=4):
    """Return slabs with energies and names."""
    names = ("110-stoichiometric", "100-O-rich")
    found = [build_slab(names[number % 2], a=4.5, c=3.1) for number in range(count)]
    for number, slab in enumerate(found):
        slab.info = {"name": f"slab-{number}"}
        with_energy(slab, -7.0 * len(slab) + 0.3 * number)
    return found


def small(folder, out):
    return RecordsConfig(
        structures=folder / "slabs.extxyz", out=out, num_voxels=8, holdout=0.25, num_classes=2
    )


def make_records(folder):
    ase.io.write(folder / "slabs.extxyz", slabs())
    with contextlib.redirect_stdout(io.StringIO()):
        build.main(small(folder, folder / "records"))


def use_records(folder):
    description = load_description(folder / "records")
    verify_shards(folder / "records", description)
    found = Records(folder / "records", description, TRAINING)
    read = found.read(np.arange(len(found)))
    return dataclasses.asdict(description), [(k, v.tobytes()) for k, v in sorted(read.items())]


def make_run(folder):
    make_records(folder)
    (folder / "run").mkdir()
    values = {"variant": "joint2d", "width": 2, "latent_size": 8, "label_size": 4}
    config = TrainConfig(records=folder / "records", run=folder / "run", steps=4, **values)
    classes = {"class_counts": (300, 80), "class_names": ("low", "high")}
    runs.save(config, load_description(folder / "records"), classes)
    rng = np.random.default_rng(0)
    lines = ["step,seconds,critic_loss"]
    for step in (2, 4):
        lines += [f"{k},{0.5 * k},{rng.normal():.6g}" for k in (step - 1, step)]
        (folder / "run" / runs.METRICS).write_text("\n".join(lines) + "\n")
        checkpoint = folder / "run" / runs.CHECKPOINTS / runs.STEP_NAME.format(step)
        checkpoint.mkdir(parents=True)
        for name in WEIGHTS:
            with h5py.File(checkpoint / name, "w") as file:
                for layer in range(4):
                    file[f"layers/dense_{layer}/vars/0"] = rng.normal(size=(40, 20)).astype("f4")
        write_state(checkpoint / runs.SCORES, {"held_out_distance": 1 / step})
        seal_checkpoint(checkpoint, runs.read_metrics(folder / "run" / runs.METRICS))


def use_run(folder):
    run = folder / "run"
    saved, best = runs.load_trained(run), runs.best_checkpoint(run)
    found = runs.sound_checkpoint(run)
    weights = [(found / name).read_bytes() for name in WEIGHTS]
    return saved, runs.proven_rows(run, found), found.name, best and best.name, weights


def make_search(folder):
    chain = Chain(folder, 0)
    for number, slab in enumerate(slabs()):
        slab = with_layers(slab, np.zeros(len(slab), int))
        row = dict.fromkeys(COLUMNS, "") | {"trial": number, "outcome": "accepted", "snapshots": 1}
        chain.append([slab], row, True, slab, -10.0 - number)
    use_settings(folder)


def use_settings(folder):
    settings = {"calculator": "chgnet", "dmu_o": -0.5, "start": "source", "seed": 1}
    check_settings(folder, settings, {"starts.extxyz": "0" * 64})


def use_search(folder):
    use_settings(folder)
    chain = Chain(folder, 0)
    atoms = (chain.atoms.numbers.tolist(), chain.atoms.positions.tolist())
    files = [chain.file(suffix).read_bytes() for suffix in (".extxyz", ".csv")]
    return chain.trials, chain.accepted, chain.failures, chain.energy, atoms, files


REQUESTS = {}


def make_build(folder):
    ase.io.write(folder / "slabs.extxyz", slabs())
    config, place = small(folder, folder / "r"), folder / "r.partial"
    place.mkdir()
    workplace.write_state(place / workplace.REQUEST, {"seed": config.seed, "sha256": "0" * 64})
    with contextlib.redirect_stdout(io.StringIO()):
        build.build(build.survey_once(config, place), config, place, SerialPool())


def use_build(folder):
    config, place = small(folder, folder / "r"), folder / "r.partial"
    request = workplace.read_request(place)
    with contextlib.redirect_stdout(io.StringIO()):
        found = build.survey_once(config, place)
        description = build.build(found, config, place, SerialPool())
    return request, found.as_dict(), dataclasses.asdict(description)


def make_discover(folder):
    config = discovery(folder)
    discover.begin(config, {"samples": "0123"})
    discover.stage(folder / "1_atoms.extxyz", lambda path: write_frames(path, slabs()))


def discovery(folder):
    return DiscoverConfig(out=folder, run=Path("run"), count=7)


def use_discover(folder):
    config = discover.take_up(DiscoverConfig(out=folder))
    discover.begin(config, {"samples": "0123"})
    with contextlib.redirect_stdout(io.StringIO()):
        path = discover.stage(folder / "1_atoms.extxyz", lambda path: write_frames(path, slabs()))
    return config.as_dict() | {"out": ""}, path.read_bytes()


def relaxation(folder):
    return RelaxConfig(structures=folder / "slabs.extxyz", out=folder / "out.extxyz")


def make_relaxation(folder):
    ase.io.write(folder / "slabs.extxyz", slabs())
    partial = folder / "out.partial.extxyz"
    check_same_work(partial, relaxation(folder))
    for slab in slabs():
        append_frame(partial, slab)


def use_relaxation(folder):
    partial = folder / "out.partial.extxyz"
    config = relaxation(folder)
    found = whole_frames(partial, needs_seals=check_same_work(partial, config))
    return [told(atoms) for atoms in found]


def told(atoms):
    """Return what is compared of a structure."""
    results = getattr(atoms.calc, "results", {})
    known = {name: np.asarray(value).tolist() for name, value in results.items()}
    info = {name: str(value) for name, value in atoms.info.items()}
    return atoms.numbers.tolist(), atoms.positions.tolist(), atoms.cell.tolist(), known, info


FOREIGN = ("a.extxyz", "b.extxyz.xz", "c.extxyz.gz", "d.db", "e.json", "f.traj", "g.cif")


def make_foreign(folder):
    found = slabs()
    for name in FOREIGN:
        if name.endswith((".db", ".json")):
            with connect(folder / name) as database:
                for slab in found:
                    database.write(slab)
        else:
            ase.io.write(folder / name, found)
    ase.io.write(folder / "POSCAR", found[0])
    grid = np.random.default_rng(0).random((4, 8, 8, 2)).astype("f4")
    np.savez_compressed(folder / "samples.npz", grid=grid, lattice=np.full((4, 2), 18.0, "f4"))


def use_foreign(name):
    def use(folder):
        if name == "samples.npz":
            try:
                found = read_arrays(folder / name)
            except ValueError as error:
                raise ConfigError(f"{name}: {error}") from None
            return sorted((key, value.tolist()) for key, value in found.items())
        return [told(atoms) for atoms in read_structures(folder / name)]

    return use


MAKERS = {
    "records": (make_records, use_records),
    "run": (make_run, use_run),
    "search": (make_search, use_search),
    "build": (make_build, use_build),
    "discover": (make_discover, use_discover),
    "relaxation": (make_relaxation, use_relaxation),
    **{name: (make_foreign, use_foreign(name)) for name in (*FOREIGN, "POSCAR", "samples.npz")},
}
NEWEST = "run/checkpoints/step-00000004"
PARTIAL = Path("out.partial.extxyz")
CASES = (
    Case("config.json of a run", "run", "run/config.json"),
    Case("metrics.csv", "run", "run/metrics.csv"),
    Case("generator.weights.h5", "run", f"{NEWEST}/generator.weights.h5"),
    Case("training.weights.h5", "run", f"{NEWEST}/training.weights.h5"),
    Case("scores.json", "run", f"{NEWEST}/scores.json"),
    Case("checksums.json", "run", f"{NEWEST}/checksums.json"),
    Case("chain's checkpoint", "search", "chain-000.json"),
    Case("chain's table", "search", "chain-000.csv"),
    Case("chain's snapshots", "search", "chain-000.extxyz"),
    Case("settings.json of a search", "search", "settings.json"),
    Case("request.json of a build", "build", "r.partial/request.json"),
    Case("survey.json of a build", "build", "r.partial/survey.json"),
    Case("prepared structures of a build", "build", "r.partial/structures.traj"),
    Case("note of a shard", "build", "r.partial/training-00000-of-00003.tfrecord.json"),
    Case("config.json of discover", "discover", "config.json"),
    Case("finished.json of discover", "discover", "finished.json"),
    Case("stage of discover", "discover", "1_atoms.extxyz"),
    Case("settings of a relaxation", "relaxation", settings_of(PARTIAL).name),
    Case("relaxed so far", "relaxation", PARTIAL.name),
    Case("their checksums", "relaxation", seals_of(PARTIAL).name),
    Case("dataset.json", "records", "records/dataset.json"),
    Case("shard", "records", "records/training-00000-of-00003.tfrecord"),
    *(Case(name, name, name, ours=False) for name in (*FOREIGN, "POSCAR", "samples.npz")),
)


def outcomes(case, count, rng, place):
    """Damage a file so many times and yield `(outcome, detail)` of each.

    Args:
        case: `Case`.
        count: How many times.
        rng: NumPy's generator.
        place: Empty folder to work in.
    """
    make, use = MAKERS[case.group]
    (place / "whole").mkdir(parents=True)
    (place / "now").mkdir()
    make(place / "now")
    shutil.copytree(place / "now", place / "whole", dirs_exist_ok=True)
    before = repr(read(use, place)[0])
    content = (place / "whole" / case.file).read_bytes()
    for changed in damaged(content, count, rng):
        shutil.rmtree(place / "now")
        shutil.copytree(place / "whole", place / "now")
        (place / "now" / case.file).write_bytes(changed)
        yield outcome(use, place, before, Path(case.file).name)


def read(use, place):
    """Return what a reader gives and what it says."""
    SAID.clear()
    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        return use(place / "now"), said.getvalue()


def outcome(use, place, before, name):
    """Return what became of reading a damaged file, and the detail."""
    signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    tracemalloc.start()
    try:
        found, said = read(use, place)
    except ConfigError as error:
        text = str(error)
        named = name in text and "\n" not in text
        return (REFUSED if named else UNNAMED), text
    except TimeoutError:
        return HANG, ""
    except MemoryError as error:
        return SWOLLEN, repr(error)
    except BaseException as error:  # what users would see as a traceback
        return TRACEBACK, repr(error)
    finally:
        signal.alarm(0)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    if peak > MEMORY:
        return SWOLLEN, f"{peak:,}"
    if repr(found) == before:
        return SAME, ""
    return (TOLD if name in said else SILENT), said


def stop(number, frame):
    """End what takes too long."""
    raise TimeoutError
