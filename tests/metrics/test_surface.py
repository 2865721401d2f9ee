import warnings

import numpy as np
import pytest
from scipy import ndimage

from hnseg.metrics import surface
from hnseg.metrics.surface import surface_distances, surface_voxels

EMPTY = np.zeros((6, 7, 8), bool)
SPACINGS = [(1.0, 1.0, 1.0), (3.0, 1.0, 1.0), (2.0, 0.7, 1.3)]


def blobs(seed: int, shape=(14, 20, 17)) -> np.ndarray:
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), 1.5)
    return noise > np.quantile(noise, 0.8)


def pairs():
    for seed in range(6):
        yield blobs(2 * seed), blobs(2 * seed + 1)
    yield np.pad(np.ones((3, 4, 5), bool), 4), np.pad(np.ones((2, 5, 4), bool), ((5, 4), (4, 3), (2, 7)))
    corner = np.zeros((14, 20, 17), bool)
    corner[:3, :4, -2:] = True  # touches the rim
    yield corner, blobs(99)


def naive_distances(prediction, truth, spacing_mm):
    """Every pair of surface voxels, from the definition."""
    points = []
    for mask in (prediction, truth):
        edge = mask ^ ndimage.binary_erosion(mask, ndimage.generate_binary_structure(3, 1))
        points.append(np.argwhere(edge) * np.asarray(spacing_mm))
    apart = np.linalg.norm(points[0][:, None] - points[1][None], axis=2)
    return apart.min(axis=1), apart.min(axis=0)


@pytest.mark.parametrize("spacing_mm", SPACINGS)
def test_directed_equals_monai(spacing_mm) -> None:
    torch = pytest.importorskip("torch")
    monai_metrics = pytest.importorskip("monai.metrics")
    for prediction, truth in pairs():
        theirs = monai_metrics.compute_hausdorff_distance(
            torch.from_numpy(prediction)[None, None],
            torch.from_numpy(truth)[None, None],
            include_background=True,
            percentile=95,
            spacing=spacing_mm,
        )
        ours = surface_distances(prediction, truth, spacing_mm).hd95("directed")
        assert ours == pytest.approx(theirs.item(), rel=1e-5)


@pytest.mark.parametrize("spacing_mm", SPACINGS)
def test_pooled_equals_the_published_definition(spacing_mm) -> None:
    for prediction, truth in pairs():
        forth, back = naive_distances(prediction, truth, spacing_mm)
        found = surface_distances(prediction, truth, spacing_mm)
        assert found.hd95("pooled") == pytest.approx(np.percentile(np.hstack((forth, back)), 95))
        assert found.hausdorff() == pytest.approx(max(forth.max(), back.max()))
        assert found.average_hausdorff() == pytest.approx((forth.mean() + back.mean()) / 2)
        assert found.average_surface_distance() == pytest.approx(np.hstack((forth, back)).mean())


@pytest.mark.parametrize("spacing_mm", SPACINGS)
def test_surface_elements_equal_deepmind(spacing_mm) -> None:
    reference = pytest.importorskip("surface_distance")
    for prediction, truth in pairs():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            theirs = reference.compute_surface_distances(truth, prediction, spacing_mm)
        found = surface_distances(prediction, truth, spacing_mm)
        assert found.hd95("surface_elements") == pytest.approx(reference.compute_robust_hausdorff(theirs, 95))
        for tolerance_mm in (0.0, 1.0, 2.5):
            expected = reference.compute_surface_dice_at_tolerance(theirs, tolerance_mm)
            assert found.surface_dice(tolerance_mm) == pytest.approx(expected, abs=1e-6)


def test_the_three_definitions_differ() -> None:
    found = surface_distances(blobs(0), blobs(1), (2.0, 0.7, 1.3))
    values = {found.hd95("directed"), found.hd95("pooled"), found.hd95("surface_elements")}
    assert len(values) == 3


def test_shifted_plates_are_as_far_apart_as_the_shift() -> None:
    prediction, truth = np.zeros((2, 12, 9, 9), bool)
    prediction[2] = truth[5] = True
    found = surface_distances(prediction, truth, (2.5, 1.0, 1.0))
    for measured in (
        *(found.hd95(name) for name in ("directed", "pooled", "surface_elements")),
        found.hausdorff(),
        found.average_hausdorff(),
        found.average_surface_distance(),
    ):
        assert measured == pytest.approx(7.5)
    assert found.surface_dice(7.4) < found.surface_dice(7.6) == 1


def test_concentric_spheres_are_a_radius_apart() -> None:
    z, y, x = np.ogrid[-20:21, -20:21, -20:21]
    square = z**2 + y**2 + x**2
    found = surface_distances(square <= 18**2, square <= 12**2, (1.0, 1.0, 1.0))
    assert found.average_surface_distance() == pytest.approx(6, abs=0.3)
    assert found.hd95() == pytest.approx(6, abs=0.7)
    # the area of a voxelised sphere by marching cubes, about 1.09 of 4 pi r^2 at any size
    assert found.elements.prediction_weights.sum() == pytest.approx(4 * np.pi * 18**2, rel=0.12)


def test_the_mean_of_unequal_surfaces_depends_on_how_they_are_joined() -> None:
    prediction, truth = EMPTY.copy(), EMPTY.copy()
    prediction[3, 3, 0] = True
    truth[3, 3, 0:3] = True  # distances: 0 one way; 0, 1, 2 the other
    found = surface_distances(prediction, truth, (1.0, 1.0, 1.0))
    assert found.average_hausdorff() == pytest.approx((0 + 1) / 2)
    assert found.average_surface_distance() == pytest.approx((0 + 0 + 1 + 2) / 4)


def test_one_voxel_each_gives_the_spacing() -> None:
    prediction, truth = EMPTY.copy(), EMPTY.copy()
    prediction[1, 2, 3] = truth[2, 2, 3] = True
    assert surface_distances(prediction, truth, (3.0, 1.0, 1.0)).hausdorff() == 3
    assert surface_distances(prediction, truth, (3.0, 1.0, 1.0)).hd95() == 3


def test_equal_masks_are_at_distance_zero() -> None:
    found = surface_distances(blobs(5), blobs(5), (2.0, 0.7, 1.3))
    assert found.hausdorff() == found.hd95("pooled") == found.hd95("surface_elements") == 0
    assert found.surface_dice(0.0) == 1


@pytest.mark.parametrize(("prediction", "truth"), [(EMPTY, blobs(1, EMPTY.shape)), (blobs(1, EMPTY.shape), EMPTY)])
def test_one_empty_mask_is_infinitely_far(prediction, truth) -> None:
    found = surface_distances(prediction, truth, (1, 1, 1))
    assert found.hausdorff() == found.average_hausdorff() == found.average_surface_distance() == np.inf
    assert all(found.hd95(name) == np.inf for name in ("directed", "pooled", "surface_elements"))
    assert found.surface_dice(100.0) == 0
    assert np.isinf(found.voxels.to_truth_mm).all()


def test_two_empty_masks_agree() -> None:
    found = surface_distances(EMPTY, EMPTY, (1, 1, 1))
    assert found.hausdorff() == found.average_hausdorff() == found.average_surface_distance() == 0
    assert all(found.hd95(name) == 0 for name in ("directed", "pooled", "surface_elements"))
    assert found.surface_dice(0.0) == 1


def test_tree_and_distance_transform_agree(monkeypatch) -> None:
    answers = []
    for voxels_a_query in (0, 10**9):
        monkeypatch.setattr(surface, "VOXELS_A_QUERY", voxels_a_query)
        found = surface_distances(blobs(2), blobs(3), (3.0, 0.9, 1.1))
        answers.append((found.voxels.to_truth_mm, found.voxels.to_prediction_mm, found.elements.to_truth_mm))
    for by_tree, by_transform in zip(*answers, strict=True):
        np.testing.assert_allclose(by_tree, by_transform, atol=1e-12)


def test_cropping_changes_nothing() -> None:
    small = surface_distances(blobs(2), blobs(3), (3.0, 0.9, 1.1))
    large = surface_distances(np.pad(blobs(2), 9), np.pad(blobs(3), 9), (3.0, 0.9, 1.1))
    np.testing.assert_array_equal(small.voxels.to_truth_mm, large.voxels.to_truth_mm)
    assert large.prediction.shape == small.prediction.shape


def test_surface_voxels_equal_erosion() -> None:
    mask = np.random.default_rng(0).random((7, 8, 9)) > 0.2
    eroded = ndimage.binary_erosion(mask, ndimage.generate_binary_structure(3, 1))
    np.testing.assert_array_equal(surface_voxels(mask), mask & ~eroded)


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match="one shape"):
        surface_distances(EMPTY, np.zeros((6, 7, 9), bool), (1, 1, 1))
    with pytest.raises(ValueError, match="one shape"):
        surface_distances(EMPTY[0], EMPTY[0], (1, 1))
    with pytest.raises(ValueError, match="surface_elements"):
        surface_distances(EMPTY, EMPTY, (1, 1, 1)).hd95("mean")  # type: ignore[arg-type]
