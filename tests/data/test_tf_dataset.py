import ast
from pathlib import Path

import numpy as np
import pytest

import keras_ruo2.data
from keras_ruo2.data.description import TRAINING, load_description
from keras_ruo2.data.order import Order
from keras_ruo2.data.pipeline import batch_at
from keras_ruo2.data.reader import Records

tf = pytest.importorskip("tensorflow")
from keras_ruo2.data.tf_dataset import as_dataset  # noqa: E402

NAMES = ("grid", "lattice", "label")


@pytest.fixture
def make_batches(records):
    """A function that makes three batches, the last one larger."""
    opened = Records(records, load_description(records), TRAINING)
    order = Order(len(opened), 7, ((0, 10), (2, 30)))
    return lambda: (batch_at(opened, order, step) for step in range(3))


def test_the_dataset_holds_what_the_arrays_hold(make_batches):
    dataset = as_dataset(make_batches, NAMES)
    for tensors, arrays in zip(dataset, make_batches(), strict=True):
        assert set(tensors) == set(NAMES)
        for name in NAMES:
            np.testing.assert_array_equal(tensors[name], arrays[name])


def test_every_axis_but_the_batch_is_static(make_batches):
    specs = as_dataset(make_batches, NAMES).element_spec
    assert specs["grid"].shape.as_list() == [None, 32, 32, 2]
    assert specs["lattice"].shape.as_list() == [None, 2]
    assert specs["label"].shape.as_list() == [None]
    assert [specs[name].dtype for name in NAMES] == [tf.float32, tf.float32, tf.int64]


def test_numbers_are_passed_on_by_default(make_batches):
    assert set(as_dataset(make_batches).element_spec) == {*NAMES, "energy", "dmu_o"}


def test_given_specs_make_no_batch(make_batches):
    specs = {"label": tf.TensorSpec((None,), tf.int64)}

    def never():
        raise AssertionError("a batch was made")
        yield

    assert as_dataset(never, specs=specs).element_spec == specs
    assert [len(batch["label"]) for batch in as_dataset(make_batches, specs=specs)] == [10, 10, 30]


@pytest.mark.parametrize("name", ["structure", "nothing"])
def test_what_is_no_number_is_refused(make_batches, name):
    with pytest.raises(ValueError, match=f"'{name}' is no numeric field"):
        as_dataset(make_batches, ("grid", name))


def test_no_other_module_of_the_room_imports_tensorflow():
    found = set()
    for path in Path(keras_ruo2.data.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in getattr(node, "names", [])]
            names.append(getattr(node, "module", None) or "")
            if any(name.split(".")[0] in ("tensorflow", "keras") for name in names):
                found.add(path.name)
    assert found == {"tf_dataset.py"}
