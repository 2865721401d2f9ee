import itertools

import numpy as np
import pytest
import torch

from hnseg.augment import RotateMirror
from hnseg.augment.paper import RotateMirrorParams, euler_deg

MARK = (14, 6, 19)
SIZE = (21, 23, 25)


def marker(at=MARK, size=SIZE):
    """A blob of radius 2 at ``at``: CT 400 HU in air, PET 5, label 4."""
    axes = torch.meshgrid(*[torch.arange(n) for n in size], indexing="ij")
    inside = sum((axis - c) ** 2 for axis, c in zip(axes, at, strict=True)) <= 4
    return torch.stack([torch.where(inside, 400.0, -1024.0), inside * 5.0]), inside.to(torch.uint8) * 4


def centroid(weights):
    weights = weights.double()
    axes = torch.meshgrid(*[torch.arange(n).double() for n in weights.shape], indexing="ij")
    return np.array([float((axis * weights).sum() / weights.sum()) for axis in axes])


def turn(axis, degrees):
    """(3, 3) that takes axis + 1 towards axis + 2."""
    matrix = np.eye(3)
    a, b = (axis + 1) % 3, (axis + 2) % 3
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    matrix[[a, a, b, b], [a, b, a, b]] = [c, -s, s, c]
    return matrix


def rotated(position, turns, size=SIZE, spacing_mm=(1, 1, 1)):
    middle, spacing = (np.array(size) - 1) / 2, np.array(spacing_mm)
    offset = (np.array(position) - middle) * spacing
    for axis, degrees in turns:
        offset = turn(axis, degrees) @ offset
    return offset / spacing + middle


@pytest.mark.parametrize("variant", ["paper", "code"])
@pytest.mark.parametrize("order", [*itertools.permutations(range(3)), (0,), (1,), (2,), (2, 0)])
def test_turns_follow_one_another_in_the_drawn_order(order, variant):
    turns = tuple((axis, degrees) for axis, degrees in zip(order, (20.0, -31.0, 13.0), strict=False))
    image, label = marker()
    moved, mask = RotateMirror(variant=variant).apply(image, label, RotateMirrorParams(turns))
    expected = rotated(MARK, turns)
    np.testing.assert_allclose(centroid(moved[1]), expected, atol=0.1)
    np.testing.assert_allclose(centroid(mask), expected, atol=0.5)
    if variant == "paper":
        np.testing.assert_allclose(centroid(moved[0] + 1024), expected, atol=0.1)


def test_turning_is_rigid_in_millimetres():
    spacing, turns = (3.0, 1.0, 1.5), ((2, 30.0), (1, 10.0))
    image, label = marker((10, 6, 15))
    moved, _ = RotateMirror(spacing_mm=spacing).apply(image, label, RotateMirrorParams(turns))
    np.testing.assert_allclose(centroid(moved[1]), rotated((10, 6, 15), turns, spacing_mm=spacing), atol=0.3)


def test_a_slice_turns_in_its_plane():
    size, at = (25, 27), (8, 18)
    image, label = marker(at, size)
    moved, mask = RotateMirror().apply(image, label, RotateMirrorParams(((0, 30.0),)))
    middle = (np.array(size) - 1) / 2
    expected = turn(0, 30)[1:, 1:] @ (np.array(at) - middle) + middle
    assert moved.shape == image.shape
    assert mask.shape == label.shape
    np.testing.assert_allclose(centroid(moved[1]), expected, atol=0.1)
    np.testing.assert_allclose(centroid(mask), expected, atol=0.5)


@pytest.mark.filterwarnings("ignore:Gimbal lock")
def test_quarter_turns_agree_with_rot90_and_four_of_them_with_nothing():
    size = (10, 10, 10)
    image, label = torch.randn(2, *size), torch.randint(0, 3, size).to(torch.uint8)
    augment = RotateMirror()
    for axis in range(3):
        dims = ((axis + 1) % 3, (axis + 2) % 3)
        quarter = RotateMirrorParams(((axis, 90.0),))
        moved, mask = augment.apply(image, label, quarter)
        torch.testing.assert_close(moved, image.rot90(1, [d + 1 for d in dims]), atol=1e-3, rtol=1e-3)
        assert torch.equal(mask, label.rot90(1, dims))
        for _ in range(3):
            moved, mask = augment.apply(moved, mask, quarter)
        torch.testing.assert_close(moved, image, atol=1e-3, rtol=1e-3)
        assert torch.equal(mask, label)


@pytest.mark.parametrize(("variant", "fill"), [("paper", (-1024.0, 0.0)), ("code", (0.0, 0.0))])
def test_corners_are_filled_channel_by_channel(variant, fill):
    image, label = torch.full((2, 12, 12, 12), 50.0), torch.full((12, 12, 12), 2, dtype=torch.uint8)
    params = RotateMirrorParams(((0, 40.0), (1, 40.0)))
    moved, mask = RotateMirror(variant=variant).apply(image, label, params)
    assert tuple(moved[:, 0, 0, 0].tolist()) == fill
    assert mask[0, 0, 0] == 0
    torch.testing.assert_close(moved[:, 6, 6, 6], torch.tensor([50.0, 50.0]))
    assert set(mask.unique().tolist()) == {0, 2}


def test_one_interpolation_blurs_less_than_three():
    image, label = torch.randn(2, 16, 16, 16), torch.zeros(16, 16, 16, dtype=torch.uint8)
    params = RotateMirrorParams(((0, 20.0), (1, 20.0), (2, 20.0)))
    inner = (slice(None), *(slice(5, 11),) * 3)
    once, _ = RotateMirror(variant="paper").apply(image, label, params)
    thrice, _ = RotateMirror(variant="code").apply(image, label, params)
    assert once[inner].std() > 1.2 * thrice[inner].std()


@pytest.mark.parametrize("mirrored", [(), (0,), (1, 2), (0, 1, 2)])
def test_mirroring_is_exact_and_its_own_inverse(mirrored):
    image, label = torch.randn(2, 3, 4, 5), torch.randint(0, 9, (3, 4, 5)).to(torch.uint8)
    params = RotateMirrorParams(mirrored=mirrored)
    augment = RotateMirror()
    moved, mask = augment.apply(image, label, params)
    torch.testing.assert_close(moved, image.flip([axis + 1 for axis in mirrored]), atol=2e-4, rtol=0)
    assert torch.equal(mask, label.flip(mirrored))
    back, mask = augment.apply(moved, mask, params)
    torch.testing.assert_close(back, image, atol=4e-4, rtol=0)
    assert torch.equal(mask, label)


def test_a_slice_is_mirrored_along_its_own_axes():
    image, label = torch.randn(2, 4, 5), torch.randint(0, 9, (4, 5)).to(torch.uint8)
    moved, mask = RotateMirror().apply(image, label, RotateMirrorParams(mirrored=(1,)))
    torch.testing.assert_close(moved, image.flip(2), atol=2e-4, rtol=0)
    assert torch.equal(mask, label.flip(1))


def test_draws_have_the_published_distribution():
    augment = RotateMirror()
    drawn = [augment.draw(np.random.Generator(np.random.Philox(seed)), SIZE) for seed in range(2000)]
    turned = [params.turns for params in drawn if params.turns]
    assert 0.45 < len(turned) / 2000 < 0.55
    for count in (1, 2, 3):
        assert 0.27 < np.mean([len(turns) == count for turns in turned]) < 0.40
    angles = np.array([angle for turns in turned for _, angle in turns])
    assert (angles == angles.round()).all()
    assert (angles.min(), angles.max()) == (-44, 44)
    assert abs(np.abs(angles).mean() - 22) < 1
    assert abs((angles > 0).mean() - (angles < 0).mean()) < 0.08
    assert all(len({axis for axis, _ in turns}) == len(turns) for turns in turned)
    assert {turns[0][0] for turns in turned} == {0, 1, 2}
    counts = np.bincount([len(params.mirrored) for params in drawn], minlength=4) / 2000
    np.testing.assert_allclose(counts, [0.5 + 0.125, 0.125, 0.125, 0.125], atol=0.03)


def test_a_slice_draws_one_axis_to_turn_about_and_two_to_mirror():
    drawn = [RotateMirror(p=1).draw(np.random.default_rng(seed), (8, 8)) for seed in range(100)]
    assert {tuple(axis for axis, _ in params.turns) for params in drawn} == {(0,)}
    assert {params.mirrored for params in drawn} == {(), (0,), (1,), (0, 1)}


def test_torchio_angles_compose_to_the_same_matrix():
    about_x, about_y, about_z = euler_deg(((2, 40.0), (0, 35.0), (1, -20.0)))
    expected = turn(1, -20) @ turn(0, 35) @ turn(2, 40)  # acts on (z, y, x)
    composed = (turn(2, about_z) @ turn(0, about_x) @ turn(1, about_y))[::-1, ::-1]  # acts on (x, y, z)
    np.testing.assert_allclose(composed, expected, atol=1e-12)


def test_unknown_modality_and_variant_are_refused():
    with pytest.raises(ValueError, match="mr"):
        RotateMirror(modalities=("ct", "mr"))
    with pytest.raises(ValueError, match="variant"):
        RotateMirror(variant="mine")
