import itertools
from collections import Counter

import numpy as np

from keras_ruo2.data.description import HELD_OUT, TRAINING, load_description
from keras_ruo2.data.pipeline import read_sample, training_batches

SIZE = 100


def take(records, count, **options):
    batches = training_batches(records, load_description(records), SIZE, seed=7, **options)
    return [batch["grid"].numpy() for batch in itertools.islice(batches, count)]


def test_batches_hold_training_structures_only(records):
    description = load_description(records)
    batches = training_batches(records, description, SIZE, seed=7)
    seen = {name.decode() for batch in batches.take(11) for name in batch["structure"].numpy()}
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
        np.testing.assert_array_equal(take(records, 1, first_step=first_step)[0], whole[first_step])


def test_a_sample_of_a_split_is_read_into_memory(records):
    description = load_description(records)
    some = read_sample(records, description, HELD_OUT, 50, seed=0)
    assert some["grid"].shape == (50, 32, 32, 2)
    names = {name.decode() for name in some["structure"]}
    assert names <= set(description.structures[HELD_OUT])
    assert len(read_sample(records, description, HELD_OUT, 10**6, seed=0)["grid"]) == 3 * 128
