import numpy as np
import pytest

from keras_ruo2.metrics.collapse import alarms, by_class, collapse_scores, grid_statistics


def waves(rng, num=300, size=16):
    """Grids that hold waves along both axes, in random places, dark in a quarter of the cell."""
    grid = np.linspace(0, 2 * np.pi, size, endpoint=False)
    grids = np.zeros((num, size, size, 2))
    for number in range(num):
        wave = rng.integers(1, 4, size=2)
        phases = rng.uniform(0, 2 * np.pi, size=2)
        lateral, upwards = (
            np.cos(count * grid + phase) for count, phase in zip(wave, phases, strict=True)
        )
        grids[number] = (rng.uniform(0.5, 1) * lateral[:, None] * upwards)[..., None]
    grids = np.clip(grids, 0, 1)
    grids[:, :, : size // 4] = 0
    return grids


def words(generated, real):
    return alarms(collapse_scores(grid_statistics(generated), grid_statistics(real)))


def test_real_grids_raise_no_alarm(rng):
    assert words(waves(rng), waves(rng)) == []


def test_every_failure_is_named(rng):
    real = waves(rng)
    copies = np.repeat(real[:1], 300, axis=0)
    moved = np.stack([np.roll(grid, rng.integers(16), axis=0) for grid in copies])
    assert words(moved, real)[0].startswith("Collapse: two samples differ by 0%")
    few = real[rng.integers(5, size=300)]
    assert words(few, real)[0].startswith("Repeats")
    striped = np.broadcast_to(4 * real.mean(axis=1, keepdims=True), real.shape)
    assert any(text.startswith("Stripes: ") and "100%" in text for text in words(striped, real))
    noisy = real + 0.3 * rng.normal(size=real.shape)
    assert any(text.startswith("Noise") for text in words(noisy, real))
    (background,) = words(0.3 + 0.7 * real, real)
    assert background == (
        "Bright background: where real grids are empty, densities are higher by 0.60."
    )
    (dead,) = words(np.full_like(real, 0.01), real)
    assert dead.startswith("Dead output")
    (channel,) = words(real * [0, 1], real)
    assert channel == "Dead channel: Ru varies by 0% of what it does in real data."
    broken = real.copy()
    broken[0] = np.nan
    assert "Not finite: 99.7% of the values are finite." in words(broken, real)


@pytest.mark.parametrize("axis", [1, 2, 3])
def test_stripes_are_what_varies_along_one_direction(rng, axis):
    noise = rng.normal(size=(40, 8, 8, 8, 2))
    others = tuple({1, 2, 3} - {axis})
    assert grid_statistics(noise.mean(axis=others, keepdims=True) + 0 * noise)["stripes"] > 0.999
    # 3 axes of 7 frequencies among the 511 without the mean
    assert grid_statistics(noise)["stripes"] == pytest.approx(21 / 511, rel=0.1)


def test_echoes_are_what_comes_again_after_half_a_cell(rng):
    once = waves(rng)
    real = grid_statistics(once)
    (text,) = [text for text in words(once + np.roll(once, 8, axis=2), once) if "Echoes" in text]
    assert "100% of what there is to repeat" in text
    half = grid_statistics(once[:150])
    assert collapse_scores(half, real)["echoes"] < 0.05
    moved = grid_statistics(np.roll(once, (3, 5), axis=(1, 2)))
    assert moved["echoes"] == pytest.approx(real["echoes"], abs=1e-6)


def test_contrast_is_the_deviation_within_a_sample(rng):
    grids = rng.random((50, 8, 9, 2)) * [1, 2]
    found = grid_statistics(grids)
    within = grids - grids.mean(axis=(1, 2), keepdims=True)
    np.testing.assert_allclose(
        [found["contrast_ru"], found["contrast_o"]],
        np.sqrt((within**2).mean(axis=(0, 1, 2))),
        rtol=1e-5,
    )


def test_classes_are_judged_apart(rng):
    real, labels = waves(rng), np.arange(300) % 3
    made = waves(rng)
    made[labels == 1] = made[1]
    found = collapse_scores(by_class(made, labels), by_class(real, labels))
    assert set(found) == {None, 0, 1, 2}
    texts = alarms(found)  # the one image may echo besides
    assert texts[0].startswith("Class 1: Collapse")
    assert all(text.startswith("Class 1: ") for text in texts)
    every = alarms(
        collapse_scores(by_class(made[labels == 1], labels[:100]), by_class(real, labels))
    )
    assert sum("Collapse" in text for text in every) == 1  # not once more for each class


def test_one_sample_and_blank_real_data_are_no_error(rng):
    scores = collapse_scores(
        grid_statistics(waves(rng, 1)), grid_statistics(np.zeros((2, 8, 8, 2)))
    )
    assert np.isnan(scores["diversity"]) and np.isnan(scores["contrast_ru"])
    assert not [text for text in alarms(scores) if "Collapse" in text or "Dead" in text]
