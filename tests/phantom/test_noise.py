import numpy as np
import pytest

from hnseg.phantom.noise import STREAMS, SmoothNoise, generator


def test_a_generator_is_a_function_of_seed_patient_and_stream():
    def draw(*key):
        return generator(*key).random(4).tolist()

    assert draw(1, 2, "ct") == draw(1, 2, "ct")
    keys = [(s, i, stream) for s in (0, 1) for i in (0, 1) for stream in STREAMS]
    assert len({tuple(draw(*key)) for key in keys}) == len(keys)


def test_smooth_noise_is_standardised_and_smooth():
    noise = SmoothNoise.draw(generator(3, 0, "warp"), 20.0, 24)
    x, y, z = np.meshgrid(*[np.arange(0, 200, 4.0, dtype=np.float32)] * 3, indexing="ij")
    values = noise.values(x, y, z)
    assert values.mean() == pytest.approx(0, abs=0.1)
    assert values.std() == pytest.approx(1, abs=0.15)
    nearby = noise.values(x + np.float32(0.5), y, z)
    assert np.abs(nearby - values).max() < 0.8
