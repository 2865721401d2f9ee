"""What holds for every augmentation."""

import numpy as np
import pytest
import torch

from hnseg.augment import AffineElastic, Intensity, Mirror, NoAugment, RotateMirror, Strong, Warp

ALWAYS = {"p_rotate": 1, "p_scale": 1, "p_elastic": 1}
AUGMENTS = [
    NoAugment(),
    Mirror(),
    RotateMirror(p=1),
    RotateMirror(p=1, variant="code"),
    Warp(**ALWAYS),
    Intensity(p_blur=1, p_gamma=1, p_gain=1, p_noise=1),
    AffineElastic(("ct", "pt"), (1.0, 1.0, 1.0)),
    Strong(Warp(**ALWAYS), Mirror(), Intensity(p_noise=1)),
]
NAMES = [type(augment).__name__ for augment in AUGMENTS]
every = pytest.mark.parametrize("augment", AUGMENTS, ids=NAMES)
sizes = pytest.mark.parametrize("size", [(12, 14, 16), (16, 18)])


def sample(size):
    generator = torch.Generator().manual_seed(5)
    image = torch.stack([torch.randn(size, generator=generator) * 300, torch.rand(size, generator=generator) * 5])
    return image, torch.randint(0, 2, size, generator=generator).to(torch.uint8) * 9


def philox(*key):
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(key)))


@sizes
@every
def test_shapes_types_and_labels_are_kept_and_the_input_is_not_touched(augment, size):
    image, label = sample(size)
    before = image.clone(), label.clone()
    for epoch in range(4):
        out, mask = augment(image, label, philox(0, epoch, 1))
        assert out.shape == image.shape
        assert out.dtype == torch.float32
        assert mask.shape == label.shape
        assert mask.dtype == torch.uint8
        assert out.is_contiguous()
        assert mask.is_contiguous()
        assert out.isfinite().all()
        assert set(mask.unique().tolist()) <= {0, 9}
    assert torch.equal(image, before[0])
    assert torch.equal(label, before[1])


@sizes
@every
def test_the_generator_alone_decides(augment, size):
    image, label = sample(size)
    first = augment(image, label, philox(1, 2, 3))
    torch.manual_seed(99)
    np.random.seed(99)  # noqa: NPY002
    again = augment(image, label, philox(1, 2, 3))
    assert torch.equal(first[0], again[0])
    assert torch.equal(first[1], again[1])
    state = torch.get_rng_state()
    others = [augment(image, label, philox(1, 2, index))[0] for index in range(4, 12)]
    assert torch.equal(torch.get_rng_state(), state)
    if not isinstance(augment, NoAugment):
        assert any(not torch.equal(first[0], other) for other in others)


@every
def test_calling_is_drawing_and_applying(augment):
    if isinstance(augment, NoAugment):
        pytest.skip("draws nothing")
    image, label = sample((12, 14, 16))
    out, mask = augment(image, label, philox(4))
    expected, expected_mask = augment.apply(image, label, augment.draw(philox(4), (12, 14, 16)))
    assert torch.equal(out, expected)
    assert torch.equal(mask, expected_mask)


@pytest.mark.parametrize("augment", AUGMENTS[2:], ids=NAMES[2:])
def test_samples_that_do_not_fit_are_refused(augment):
    image, label = sample((8, 8, 8))
    with pytest.raises(ValueError, match="2 channels"):
        augment(image[:1], label, philox(0))
    with pytest.raises(ValueError, match="label map"):
        augment(image, label[:-1], philox(0))
    with pytest.raises(ValueError, match="float32"):
        augment(image.double(), label, philox(0))


def test_nothing_is_nothing():
    image, label = sample((8, 8))
    out, mask = NoAugment()(image, label, philox(0))
    assert out is image
    assert mask is label


def test_mirror_leaves_the_axes_it_was_not_given():
    image, label = sample((6, 7, 8))
    for seed in range(20):
        params = Mirror("zy").draw(philox(seed), (6, 7, 8))
        assert -1 not in params
        out, mask = Mirror("zy").apply(image, label, params)
        assert torch.equal(out, image.flip(params))
        assert torch.equal(mask, label.flip(params))
    assert {Mirror("zx").draw(philox(seed), (6, 7)) for seed in range(20)} == {(), (-1,)}
    with pytest.raises(ValueError, match="zyx"):
        Mirror("lr")


def test_strong_does_its_parts_in_order():
    augment = AUGMENTS[-1]
    image, label = sample((12, 14, 16))
    params = augment.draw(philox(7), (12, 14, 16))
    out, mask = augment.apply(image, label, params)
    step, moved = augment.warp.apply(image, label, params.warp)
    step, moved = augment.mirror.apply(step, moved, params.mirrored)
    step, moved = augment.intensity.apply(step, moved, params.intensity)
    assert torch.equal(out, step)
    assert torch.equal(mask, moved)
    with pytest.raises(ValueError, match="same modalities"):
        Strong(Warp(("ct",)), Mirror(), Intensity(("pt",)))
