"""Where a training step of a default architecture spends its time, by TensorFlow's profiler.

    OMP_NUM_THREADS=1 python -m experiments.benchmarks.step_profile [--variant=joint3d]
        [--arch=atoms] [--batch=16] [--repeats=3] [--every=4]

`parts` are core seconds of the whole step and of its updates, each compiled on its own: of the
critic of grids, of that of environments, of the generator. `operations` are shares of the time in
operations of one profiled step, those above two per cent.
"""

import argparse
import tempfile
from collections import Counter
from pathlib import Path

from experiments.benchmarks import workload
from experiments.benchmarks.machine import core_seconds, report

SMALLEST = 0.02
BEFORE = 2.0  # core seconds of a step of batch 16, when five times less were asked for


def main(words=None):
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--variant", choices=("joint3d", "lattice2d"), default="joint3d")
    parser.add_argument("--arch", help="by default that of train")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--every", type=int, default=4, help="of the bundled slabs")
    parser.add_argument("--voxels", type=int, default=32)
    parser.add_argument("--width", type=int)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args(words)
    with tempfile.TemporaryDirectory() as folder:
        recipe = "gap3d_clean" if given.variant == "joint3d" else "gap2d"
        records = workload.build_records(folder, recipe, given.every, given.voxels)
        flags = {"batch_size": given.batch, "width": given.width, "arch": given.arch}
        run = workload.start(given.variant, records, **flags)
        steps = {"step": workload.tensorflow_step(run)} | updates(run)
        seconds = core_seconds(steps, given.repeats)
        shares = profile(steps["step"], Path(folder) / "profile")
    figures = {"variant": given.variant, "arch": run.resolved["arch"], "batch": given.batch}
    figures["critic_steps"] = run.resolved["critic_steps"]
    figures["parts"] = {name: float(f"{value:.3g}") for name, value in seconds.items()}
    figures["core_seconds_a_sample"] = float(f"{seconds['step'] / given.batch:.3g}")
    if given.variant == "joint3d" and not given.arch:
        figures["times_less_than_before"] = round(BEFORE / 16 * given.batch / seconds["step"], 2)
    report("step_profile", figures | {"operations": shares})


def updates(run):
    """Return functions that make one update of each network."""
    import tensorflow as tf

    model = run.model
    size = run.order.samples(0) // run.resolved["critic_steps"]
    batch = {k: tf.convert_to_tensor(value[:size]) for k, value in run.batch_of(0).items()}
    parts = {
        "critic": (model.critic_objective, model.critic, model.critic_optimizer),
        "generator": (model.generator_objective, model.generator, model.generator_optimizer),
    }

    def update(objective, network, optimizer):
        @tf.function
        def step():
            model.seeds.begin()
            model.minimise(lambda: objective(batch), network, optimizer)

        return step

    if model.environments:
        objective, critic = model.environments.objective, model.environment_critic
        parts["environments"] = (objective, critic, model.environment_optimizer)
    return {name: update(*part) for name, part in parts.items()}


def profile(step, folder):
    """Return the share of the time in operations that each kind takes in one step."""
    import tensorflow as tf
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    step()
    tf.profiler.experimental.start(str(folder))
    step()
    tf.profiler.experimental.stop()
    space = xplane_pb2.XSpace()
    space.ParseFromString(next(folder.rglob("*.xplane.pb")).read_bytes())
    spent = Counter()
    for plane in space.planes:
        for line in plane.lines:
            for event in line.events:
                name = plane.event_metadata[event.metadata_id].name
                if ":" in name and "::" not in name and "__inference" not in name:
                    spent[name.rpartition(":")[2].split("#")[0]] += event.duration_ps
    total = sum(spent.values())
    return {
        kind: round(time / total, 3)
        for kind, time in spent.most_common()
        if time > SMALLEST * total
    }


if __name__ == "__main__":
    main()
