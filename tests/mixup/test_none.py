import numpy as np
import torch

from hnseg.mixup import NoMixup


def test_every_sample_for_itself_and_nothing_drawn():
    inputs, target, annotated = torch.randn(2, 1, 4, 4), torch.zeros(2, 4, 4, dtype=torch.uint8), torch.ones(2, 3) > 0
    rng = np.random.default_rng(0)
    before = rng.bit_generator.state
    mixed = NoMixup()(inputs, target, annotated, rng)
    assert mixed.inputs is inputs
    (part,) = mixed.parts
    assert part.weight == 1.0
    assert part.target is target
    assert part.annotated is annotated
    assert rng.bit_generator.state == before
