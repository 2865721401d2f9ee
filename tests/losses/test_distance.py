import numpy as np
import pytest
import torch
from scipy.ndimage import distance_transform_edt

from hnseg.losses.distance import distances_kept, once, signed_distance


def random_mask(shape, share, seed=0):
    return np.random.default_rng(seed).random(shape) < share


@pytest.mark.parametrize(
    ("shape", "spacing"),
    [((23,), (2.0,)), ((9, 14), (1.0, 1.0)), ((8, 11, 9), (3.0, 1.0, 0.7)), ((1, 6, 7), (5.0, 0.5, 0.5))],
)
@pytest.mark.parametrize("share", [0.03, 0.5, 0.97])
def test_equals_scipy_with_anisotropic_voxels(shape, spacing, share):
    masks = np.stack([random_mask(shape, share, seed) for seed in range(3)])
    masks[:, *(0,) * len(shape)], masks[:, *(-1,) * len(shape)] = True, False
    outside = np.stack([distance_transform_edt(~mask, sampling=spacing) for mask in masks])
    inside = np.stack([distance_transform_edt(mask, sampling=spacing) for mask in masks])
    found = signed_distance(torch.from_numpy(masks), spacing)
    np.testing.assert_allclose(found.numpy(), outside - inside, rtol=1e-6)


def test_the_search_goes_on_while_a_farther_voxel_can_be_nearer():
    """Every column has a voxel of the mask 9 rows off, which a voxel up to 8 columns off still undercuts."""
    mask = np.zeros((10, 12), bool)
    mask[0, 0], mask[9, 1:] = True, True
    found = signed_distance(torch.from_numpy(mask)[None], (1.0, 1.0))[0]
    assert found[0, 1:].tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9]


def test_equals_the_loops():
    mask, spacing = random_mask((4, 5, 3), 0.3), np.array([2.0, 1.0, 0.5])
    places = np.argwhere(np.ones_like(mask))
    for place, found in zip(places, signed_distance(torch.from_numpy(mask)[None], spacing)[0].flatten(), strict=True):
        others = np.argwhere(mask != mask[tuple(place)])
        nearest = min(np.linalg.norm((other - place) * spacing) for other in others)
        assert found.item() == pytest.approx(-nearest if mask[tuple(place)] else nearest)


def test_value_by_hand():
    mask = torch.tensor([[False, True, True, True, False, False]])
    assert signed_distance(mask, [2.0]).tolist() == [[2.0, -2.0, -4.0, -2.0, 2.0, 4.0]]


def test_far_voxels_do_not_wrap_as_in_a_masks_own_type():
    mask = torch.zeros(1, 1000, dtype=torch.bool)
    mask[:, 400:] = True
    far = signed_distance(mask, [1.5])[0]
    assert far[0] == 600
    assert far[-1] == -900
    assert far[400] == -1.5


def test_the_complement_has_the_same_distances_of_the_other_sign():
    mask = torch.from_numpy(random_mask((2, 6, 7), 0.4))
    assert torch.equal(signed_distance(~mask, (1.0, 3.0)), -signed_distance(mask, (1.0, 3.0)))


def test_without_another_side_there_is_no_distance():
    mask = torch.zeros(3, 4, 5, dtype=torch.bool)
    mask[1] = True
    mask[2, 0, 0] = True
    found = signed_distance(mask, (1.0, 1.0))
    assert found[:2].abs().max() == 0
    assert found[2, 0].tolist() == [-1, 1, 2, 3, 4]


@pytest.mark.parametrize("place", ["corner", "middle", "edge", "all but one"])
def test_boxes_at_the_borders_of_the_image_equal_scipy(place):
    mask = np.zeros((7, 9, 8), bool)
    box = {
        "corner": np.s_[:2, :3, :2],
        "middle": np.s_[3:5, 2:7, 3:4],
        "edge": np.s_[:, 4:6, 6:],
        "all but one": np.s_[:],
    }
    mask[box[place]] = True
    mask[0, 0, 0] = place == "corner"
    spacing = (2.0, 0.7, 1.1)
    expected = distance_transform_edt(~mask, sampling=spacing) - distance_transform_edt(mask, sampling=spacing)
    found = signed_distance(torch.from_numpy(mask)[None], spacing)[0]
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-6)


def test_a_target_is_measured_once_within_a_step_and_anew_in_the_next():
    first, second, calls = torch.zeros(2), torch.zeros(2), []

    def measure():
        calls.append(len(calls))
        return torch.tensor(calls[-1])

    with distances_kept():
        assert once(first, "mm", measure) == 0
        assert once(first, "mm", measure) == 0
        assert once(first, "voxels", measure) == 1
        assert once(second, "mm", measure) == 2  # equal, but another tensor
    assert once(first, "mm", measure) == 3
    assert once(first, "mm", measure) == 4
