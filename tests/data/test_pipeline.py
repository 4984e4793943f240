from collections import Counter

import numpy as np

from keras_ruo2.data.description import HELD_OUT, TRAINING, load_description
from keras_ruo2.data.order import Order, deal_to_replicas
from keras_ruo2.data.pipeline import batch_at, read_sample
from keras_ruo2.data.reader import Records

SIZE = 100


def batches(folder, last_step, phases=((0, SIZE),), first_step=0, **options):
    records = Records(folder, load_description(folder), TRAINING)
    order = Order(len(records), 7, phases)
    return [batch_at(records, order, step, **options) for step in range(first_step, last_step)]


def take(folder, last_step, **options):
    return [batch["grid"] for batch in batches(folder, last_step, **options)]


def test_batches_hold_training_structures_only(records):
    description = load_description(records)
    seen = {name.decode() for batch in batches(records, 11) for name in batch["structure"]}
    assert seen == set(description.structures[TRAINING])
    assert not seen & set(description.structures[HELD_OUT])


def test_an_epoch_repeats_no_record(records):
    stored = read_sample(records, load_description(records), TRAINING, 10**6, seed=0)["grid"]
    copies = Counter(grid.tobytes() for grid in stored)  # slices a lattice period apart are equal
    seen = Counter(grid.tobytes() for batch in take(records, 11) for grid in batch)
    assert sum(seen.values()) == 11 * SIZE
    assert seen <= copies


def test_epochs_differ_in_order_and_seeds_repeat_them(records):
    first, again = take(records, 12), take(records, 12)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first[0], first[11])  # 1,152 records make 11 batches


def test_a_later_start_sees_what_an_uninterrupted_run_sees(records):
    whole = take(records, 14)
    for first_step in (3, 11, 13):
        later = take(records, first_step + 1, first_step=first_step)
        np.testing.assert_array_equal(later[0], whole[first_step])


def test_batches_grow_with_the_phases(records):
    sizes = [len(grid) for grid in take(records, 4, phases=((0, 20), (2, 60)))]
    assert sizes == [20, 20, 60, 60]


def test_batches_are_arranged_for_replicas(records):
    alone = batches(records, 2, critic_steps=5)
    shared = batches(records, 2, critic_steps=5, replicas=2)
    rows = deal_to_replicas(np.arange(SIZE), 5, 2)
    for one, other in zip(alone, shared, strict=True):
        for name in one:
            np.testing.assert_array_equal(other[name], one[name][rows])


def test_a_sample_of_a_split_is_read_into_memory(records):
    description = load_description(records)
    some = read_sample(records, description, HELD_OUT, 50, seed=0)
    assert some["grid"].shape == (50, 32, 32, 2)
    names = {name.decode() for name in some["structure"]}
    assert names <= set(description.structures[HELD_OUT])
    assert len(read_sample(records, description, HELD_OUT, 10**6, seed=0)["grid"]) == 3 * 128
