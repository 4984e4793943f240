"""Our training step and the plain PyTorch one, timed in turns."""

import statistics
import time

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from experiments.benchmarks import training_ways as ways
from experiments.benchmarks.machine import core_seconds
from experiments.benchmarks.plain_torch import Masked

STEPS_ON_GPU = 10  # in a row: a GPU is fed ahead
SQUARE = {"cpu": 2048, "cuda": 8192}


def time_all(given, plain):
    """Return seconds a step, samples a second and shares of a matrix product's rate.

    Args:
        given: Arguments.
        plain: Whether there is a PyTorch network to compare with.
    """
    batch = ways.make_batch(given, given.batch)
    model = ways.make_ours(given)
    steps, figures = {"ours": ways.step_of(model, batch)}, {}
    operations = 0
    if plain:
        theirs = ways.plain_batch(batch, given.device)
        step = ways.make_plain(given, model)
        steps["eager"] = lambda: step(theirs)
        if given.compile:
            compiled = compile_parts(ways.make_plain(given, model))
            try_it = lambda: compiled(theirs)  # noqa: E731
            figures |= works(try_it)
            if "compile_failed" not in figures:
                steps["compiled"] = try_it
        operations = count_operations(given, model, theirs)
        figures["gigaoperations_a_step"] = round(operations / 1e9, 2)
    seconds, product = time_in_turns(given, steps)
    figures["matmul_gigaoperations_a_second"] = digits(product / 1e9)
    for name, value in seconds.items():
        samples = given.critic_steps * given.batch / value
        figures[name] = {"seconds_a_step": digits(value), "samples_a_second": digits(samples)}
        if operations:
            figures[name]["matmul_share"] = digits(operations / value / product)
    for name in seconds.keys() - {"ours"}:
        figures[f"times_faster_than_{name}"] = digits(seconds[name] / seconds["ours"])
    if given.device == "cuda":
        figures["torch_gigabytes"] = digits(torch.cuda.max_memory_allocated() / 1e9)
    return figures


def compile_parts(step):
    """Return a step with all compiled that PyTorch can compile: second derivatives it cannot."""
    step.generator.compile()
    critic = step.critic
    plain, compiled = critic.forward, torch.compile(critic.forward)

    def forward(grid, label=None):
        return (plain if grid.requires_grad and grid.is_leaf else compiled)(grid, label)

    critic.forward = forward
    return step


def works(call):
    """Return nothing, or how a call failed."""
    try:
        call()
    except Exception as error:
        return {"compile_failed": f"{type(error).__name__}: {str(error).splitlines()[0]}"}
    return {}


def count_operations(given, model, batch):
    """Return the multiplications and additions of a step without those of zeros."""
    step = ways.make_plain(
        given, model, optimizer=lambda weights: torch.optim.SGD(weights, 1e-3), activation=Masked()
    )
    with Counter() as counter:
        step(batch)
    return counter.total


class Counter(TorchDispatchMode):
    """Counts as PyTorch's own does, whose hooks on modules do not bear `torch.autograd.grad`."""

    total = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        result = function(*args, **kwargs)
        if count := flop_registry.get(function._overloadpacket):
            self.total += count(*args, **kwargs, out_val=result)
        return result


def time_in_turns(given, steps):
    """Return the median seconds of each step and the rate of a matrix product."""
    size = SQUARE[given.device]
    kind = torch.bfloat16 if given.precision == "bfloat16" else torch.float32
    square = torch.randn(size, size, device=given.device, dtype=kind)
    if given.device == "cpu":
        seconds = core_seconds(steps | {"product": lambda: square @ square}, given.repeats)
    else:
        seconds = gpu_seconds(steps | {"product": lambda: square @ square}, given.repeats)
    return seconds, 2 * size**3 / seconds.pop("product")


def gpu_seconds(calls, repeats):
    """Return the median seconds by the clock of each call, made a number of times in a row."""
    times = {name: [] for name in calls}
    for call in calls.values():
        call()
        call()
        finish(call)
    for _ in range(repeats):
        for name, call in calls.items():
            begin = time.perf_counter()
            for _ in range(STEPS_ON_GPU):
                call()
            finish(call)
            times[name].append((time.perf_counter() - begin) / STEPS_ON_GPU)
    return {name: statistics.median(values) for name, values in times.items()}


def finish(call):
    """Wait for a GPU."""
    getattr(call, "wait", lambda: None)()
    torch.cuda.synchronize()


def digits(value):
    """Return a number to three digits."""
    return float(f"{value:.3g}")
