import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from scipy.ndimage import map_coordinates
from torch.utils.data import DataLoader, Dataset

from hnseg.augment import SidedAugment, TransformDegree
from hnseg.augment.degrees import DegreeParams

NAMES = ("BrainStem", "Eye_L", "Eye_R")
SIZE = (64, 64)
degrees = pytest.mark.parametrize("degree", range(5))


def augment(degree, **options):
    return TransformDegree(["ct"], NAMES, degree, **options)


def sample(size=SIZE, channels=1):
    """A smooth slice, and each structure in a disc."""
    y, x = torch.meshgrid(*[torch.arange(n, dtype=torch.float32) for n in size], indexing="ij")
    image = torch.stack([300 * torch.sin(y / (7 + c)) * torch.cos(x / 9) - 100 * c for c in range(channels)])
    label = torch.zeros(size, dtype=torch.uint8)
    for value, centre in enumerate(((32, 30), (20, 15), (22, 48)), start=1):
        label[(y - centre[0]) ** 2 + (x - centre[1]) ** 2 < 64] = value
    return image, label


class Samples(Dataset):
    """As hnseg's training samples: each has a generator of its own."""

    def __init__(self, augment):
        self.augment = augment

    def __len__(self):
        return 24

    def __getitem__(self, position):
        epoch, index = position
        image, label = self.augment(*sample(), np.random.default_rng([epoch, index]))
        return image, label


def epochs(transform, workers):
    positions = [[(epoch, index) for index in range(first, first + 4)] for epoch in (0, 1) for first in range(0, 24, 4)]
    loader = DataLoader(Samples(transform), batch_sampler=positions, num_workers=workers)
    images, labels = zip(*loader, strict=True)
    return torch.cat(images), torch.cat(labels)


@pytest.mark.parametrize("degree", [0, 3])
def test_workers_and_their_number_change_nothing_and_nothing_repeats(degree):
    images, labels = epochs(augment(degree), workers=0)
    for workers in (1, 2):
        found, masks = epochs(augment(degree), workers)
        assert torch.equal(found, images)
        assert torch.equal(masks, labels)
    changed = {image.numpy().tobytes() for image in images if not torch.equal(image, sample()[0])}
    moved = sum(not torch.equal(image, sample()[0]) for image in images)
    assert moved > 16
    assert len(changed) >= (moved if degree == 0 else 20)  # of turns and mirrors there are only eight


@degrees
def test_the_generator_alone_decides_and_the_input_is_not_touched(degree):
    transform, (image, label) = augment(degree), sample()
    first = [transform(image, label, np.random.default_rng(seed)) for seed in range(12)]
    torch.manual_seed(3)
    np.random.seed(3)  # noqa: NPY002
    other = augment(degree)
    for seed in reversed(range(12)):
        out, mask = other(image, label, np.random.default_rng(seed))
        assert torch.equal(out, first[seed][0])
        assert torch.equal(mask, first[seed][1])
        assert (out.shape, out.dtype, mask.shape, mask.dtype) == (image.shape, image.dtype, label.shape, label.dtype)
        assert out.is_contiguous()
        assert mask.is_contiguous()
        assert set(mask.unique().tolist()) <= {0, 1, 2, 3}
    assert torch.equal(image, sample()[0])
    assert torch.equal(label, sample()[1])


def test_degrees_are_those_of_the_table():
    drawn = {degree: [augment(degree).draw(np.random.default_rng(s), SIZE) for s in range(400)] for degree in range(5)}
    assert set(drawn[1]) == {DegreeParams()}
    for degree in (0, 4):
        kinds = [params.deformation for params in drawn[degree]]
        for kind, share in ((None, 0.5), ("elastic", 0.25), ("grid", 0.25)):
            assert kinds.count(kind) / 400 == pytest.approx(share, abs=0.07)
        assert not any(params.quarters or params.mirrored for params in drawn[degree])
    assert not any(params.deformation for params in drawn[2])
    assert {params.deformation for params in drawn[3]} == {None, "elastic"}
    for degree in (2, 3):
        quarters = [params.quarters for params in drawn[degree]]
        assert quarters.count(0) / 400 == pytest.approx(0.5 + 0.125, abs=0.07)
        assert [quarters.count(n) / 400 for n in (1, 2, 3)] == pytest.approx([0.125] * 3, abs=0.05)
        mirrored = np.array([params.mirrored for params in drawn[degree]])
        assert mirrored.mean() == pytest.approx(0.5, abs=0.07)
        # albumentations' own common seed would always mirror what it turns
        assert mirrored[np.array(quarters) > 0].mean() == pytest.approx(0.5, abs=0.12)


def test_a_mirrored_left_organ_is_a_right_one_and_so_is_its_annotation():
    transform, (image, label) = augment(2), sample()
    assert isinstance(transform, SidedAugment)
    seed = next(s for s in range(50) if transform.draw(np.random.default_rng(s), SIZE) == DegreeParams(mirrored=True))
    annotated = torch.tensor([True, True, False])
    out, mask, flags = transform.with_flags(image, label, annotated, np.random.default_rng(seed))
    assert torch.equal(out, image.flip(-1))
    assert torch.equal(mask == 1, (label == 1).flip(-1))
    assert torch.equal(mask == 3, (label == 2).flip(-1))
    assert torch.equal(mask == 2, (label == 3).flip(-1))
    assert flags.tolist() == [True, False, True]
    still = next(s for s in range(50) if not transform.draw(np.random.default_rng(s), SIZE).mirrored)
    assert transform.with_flags(image, label, annotated, np.random.default_rng(still))[2].tolist() == annotated.tolist()


def test_the_authors_mirror_front_and_back_and_leave_names():
    transform, (image, label) = augment(2, variant="code"), sample()
    out, mask = transform.apply(image, label, DegreeParams(mirrored=True))
    assert torch.equal(out, image.flip(-2))
    assert torch.equal(mask, label.flip(-2))


def test_a_slice_that_is_not_square_is_turned_by_half_turns_only():
    drawn = {augment(2).draw(np.random.default_rng(s), (64, 48)).quarters for s in range(100)}
    assert drawn == {0, 2}
    image, label = sample((64, 48))
    out, mask = augment(2).apply(image, label, DegreeParams(quarters=2))
    assert torch.equal(out, image.flip((-2, -1)))
    assert torch.equal(mask, label.flip((-2, -1)))


@pytest.mark.parametrize("size", [(64, 64), (57, 83)])
def test_grid_distortion_is_that_of_the_published_library(size):
    """Five steps and what is left, each as long as drawn, pixels in between evenly; border without its last pixel."""
    import random

    image, label = sample(size, channels=2)
    out, mask = TransformDegree(["ct", "pt"], NAMES, 4).apply(image, label, DegreeParams("grid", seed=11))
    rng = random.Random(11)
    factors = [[1 + rng.uniform(-0.3, 0.3) for _ in range(6)] for _ in "xy"]
    positions = []
    for length, steps in zip(reversed(size), factors, strict=True):
        step, source, reached = length // 5, np.zeros(length), 0.0
        for number, factor in enumerate(steps):
            inside = source[number * step : (number + 1) * step]
            inside[:] = np.linspace(reached, reached + step * factor, len(inside))
            reached += step * factor
        positions.append(source)
    yx = np.meshgrid(positions[1], positions[0], indexing="ij")
    for channel in range(2):
        expected = map_coordinates(image[channel].numpy(), yx, order=1, mode="mirror")
        # OpenCV rounds positions to 1/32 pixel
        np.testing.assert_allclose(out[channel].numpy(), expected, atol=300 / 7 / 16)
    assert (mask.numpy() == map_coordinates(label.numpy(), yx, order=0, mode="mirror")).mean() > 0.985
    assert (mask != label).any()


def test_elastic_deformation_is_large_and_moves_image_and_label_together():
    image, label = sample()
    transform = augment(3)
    shown = torch.stack([(label > 0).float() * 100])
    farthest = 0.0
    for seed in range(20):
        out, mask = transform.apply(shown, label, DegreeParams("elastic", seed))
        visible, outlined = out[0] > 50, mask > 0
        if outlined.any():
            dice = 2 * (visible & outlined).sum() / (visible.sum() + outlined.sum())
            assert dice > 0.97
        farthest = max(farthest, float((mask != label).float().mean()))
    assert farthest > 0.2
    out, mask = augment(3, jitter=0.0, alpha=0.0).apply(image, label, DegreeParams("elastic", 1))
    torch.testing.assert_close(out, image, atol=1e-3, rtol=0)
    assert torch.equal(mask, label)


def test_the_smooth_noise_is_used_and_moves_next_to_nothing_as_published():
    ramp = torch.arange(64.0).repeat(64, 1)[None]
    label = torch.zeros(SIZE, dtype=torch.uint8)
    displaced = {
        alpha: float((augment(3, jitter=0.0, alpha=alpha).apply(ramp, label, DegreeParams("elastic", 1))[0] - ramp)
                     .abs()[..., 8:-8].max())
        for alpha in (1.0, 1000.0)
    }  # fmt: skip
    assert displaced[1.0] < 0.1
    assert displaced[1000.0] > 1


def test_volumes_get_told_what_to_use_instead():
    for degree in range(5):
        with pytest.raises(ValueError, match="augment=organs"):
            augment(degree)(torch.zeros(1, 4, 32, 32), torch.zeros(4, 32, 32, dtype=torch.uint8), None)


def test_slices_too_small_for_a_grid_are_refused_where_they_are_deformed():
    tiny = torch.zeros(1, 16, 64), torch.zeros(16, 64, dtype=torch.uint8)
    with pytest.raises(ValueError, match="20 pixels"):
        augment(0)(*tiny, np.random.default_rng(0))
    assert augment(1)(*tiny, np.random.default_rng(0))[0].shape == (1, 16, 64)


@pytest.mark.parametrize("wrong", [{"degree": 5}, {"degree": "4"}, {"variant": "authors"}, {"jitter": 0.5}])
def test_what_is_not_known_is_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        TransformDegree(["ct"], NAMES, **wrong)


def test_a_lonely_side_is_refused_only_where_it_is_mirrored():
    with pytest.raises(ValueError, match="Eye_R"):
        TransformDegree(["ct"], ("Eye_L",), 2)
    TransformDegree(["ct"], ("Eye_L",), 2, variant="code")
    TransformDegree(["ct"], ("Eye_L",), 4)


def test_albumentations_is_imported_late_silent_and_on_one_thread():
    script = (
        "import os, sys, torch, hnseg.augment as a\n"
        "assert not {'albumentations', 'cv2'} & set(sys.modules)\n"
        "from hnseg.augment.degrees import DegreeParams\n"
        "degree = a.TransformDegree(['ct'], (), 4)\n"
        "degree.apply(torch.zeros(1, 32, 32), torch.zeros(32, 32, dtype=torch.uint8), DegreeParams('grid', 1))\n"
        "assert os.environ['NO_ALBUMENTATIONS_UPDATE'] == '1'\n"
        "assert sys.modules['albumentations.check_version'].opener is None\n"
        "assert sys.modules['cv2'].getNumThreads() == 1\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "NO_ALBUMENTATIONS_UPDATE"}
    subprocess.run([sys.executable, "-c", script], check=True, env=environment)
