from pathlib import Path

import numpy as np
import pytest

from hnseg.data.sampling import sample_rng
from hnseg.data.views import EverySliceView, ForegroundVoxels, PatchView, SliceView, VolumeView


class Box:
    """A case as a view sees it: image channel 0 numbers the voxels, so a crop tells where it was taken."""

    def __init__(self, label: np.ndarray, case_id: str = "a") -> None:
        self.case_id, self.label = case_id, label
        self.grid = type("G", (), {"shape_zyx": label.shape})()
        self.image = np.arange(1, label.size + 1, dtype=np.float32).reshape(1, *label.shape)

    def crop(self, start, shape):
        padded = [(max(0, -a), max(0, a + n - have)) for a, n, have in zip(start, shape, self.label.shape, strict=True)]
        where = tuple(slice(a + low, a + low + n) for a, n, (low, _) in zip(start, shape, padded, strict=True))
        return np.pad(self.image, [(0, 0), *padded])[(slice(None), *where)], np.pad(self.label, padded)[where]


def one_voxel(at: tuple[int, int, int], shape: tuple[int, int, int] = (9, 10, 11)) -> Box:
    label = np.zeros(shape, np.uint8)
    label[at] = 1
    return Box(label)


@pytest.mark.parametrize("at", [(0, 0, 0), (8, 9, 10), (4, 5, 6)])
def test_an_aimed_patch_always_holds_the_structure(at) -> None:
    case, voxels, view = one_voxel(at), ForegroundVoxels(), PatchView((4, 5, 6), foreground_probability=1.0)
    for index in range(50):
        image, label = view.sample(case, None, voxels, sample_rng(0, index))
        assert image.shape == (1, 4, 5, 6)
        assert label.sum() == 1


def test_patches_reach_every_corner() -> None:
    case, voxels, view = one_voxel((4, 5, 6)), ForegroundVoxels(), PatchView((4, 5, 6), foreground_probability=0.0)
    first = {float(view.sample(case, None, voxels, sample_rng(1, i))[0][0, 0, 0, 0]) for i in range(2000)}
    assert len(first) == 6 * 6 * 6


def test_share_of_aimed_patches() -> None:
    case, voxels, view = one_voxel((0, 0, 0)), ForegroundVoxels(), PatchView((2, 2, 2), foreground_probability=0.7)
    hits = sum(int(view.sample(case, None, voxels, sample_rng(2, i))[1].sum()) for i in range(2000))
    assert hits / 2000 == pytest.approx(0.7, abs=0.03)


def test_rare_structures_are_aimed_at_as_often_as_large_ones() -> None:
    label = np.ones((8, 8, 8), np.uint8)
    label[7, 7, 7] = 2
    view, voxels = PatchView((1, 1, 1), foreground_probability=1.0), ForegroundVoxels(limit=10)
    seen = [int(view.sample(Box(label), None, voxels, sample_rng(3, i))[1].item()) for i in range(400)]
    assert seen.count(2) / 400 == pytest.approx(0.5, abs=0.08)


def test_a_patch_larger_than_the_case_is_padded_and_keeps_it_whole() -> None:
    case = one_voxel((4, 5, 6))
    image, label = PatchView((12, 12, 12)).sample(case, None, ForegroundVoxels(), sample_rng(0))
    assert (image > 0).sum() == case.label.size
    assert label.sum() == 1


def test_a_case_without_structures_can_still_be_sampled() -> None:
    case = Box(np.zeros((6, 6, 6), np.uint8))
    assert PatchView((3, 3, 3), 1.0).sample(case, None, ForegroundVoxels(), sample_rng(0))[1].sum() == 0


def test_volume_is_centred() -> None:
    case = one_voxel((4, 5, 6))
    image, _ = VolumeView((5, 6, 7)).sample(case, None, ForegroundVoxels(), sample_rng(0))
    assert image[0, 0, 0, 0] == case.image[0, 2, 2, 2]


def test_slices_have_two_axes_and_show_the_structure() -> None:
    case, voxels = one_voxel((4, 5, 6)), ForegroundVoxels()
    image, label = SliceView((1, 5, 6), foreground_probability=1.0).sample(case, None, voxels, sample_rng(0))
    assert image.shape == (1, 5, 6)
    assert label.sum() == 1


def test_root_message(tmp_path: Path, monkeypatch) -> None:
    from hnseg.data.roots import find_root

    monkeypatch.setenv("HNSEG_DATA", str(tmp_path / "env"))
    with pytest.raises(ValueError, match=r"data=hecktor2021: no such folder: .*env/hecktor2021 and .*data/hecktor2021"):
        find_root("hecktor2021", None, tmp_path / "data")
    (tmp_path / "env" / "hecktor2021").mkdir(parents=True)
    assert find_root("hecktor2021", None, tmp_path / "data") == tmp_path / "env" / "hecktor2021"
    with pytest.raises(ValueError, match="elsewhere"):
        find_root("hecktor2021", tmp_path / "elsewhere", tmp_path / "data")


def test_a_volume_without_a_size_keeps_its_own_up_to_what_the_network_divides_by() -> None:
    case = one_voxel((4, 5, 6))
    image, label = VolumeView(None, multiple_of=8).sample(case, None, ForegroundVoxels(), sample_rng(0))
    assert image.shape == (1, 16, 16, 16)
    assert (image > 0).sum() == case.label.size  # all of it is there
    assert label.sum() == 1


def test_every_slice_that_shows_a_structure_is_visited_once_and_no_other() -> None:
    label = np.zeros((9, 10, 11), np.uint8)
    label[[2, 3, 7], 5, 5] = [1, 2, 1]
    case, view = Box(label), EverySliceView((1, 4, 11))
    assert list(view.visits(case)) == [2, 3, 7]
    rows = set()
    for index in range(60):
        image, outlined = view.sample(case, 3, ForegroundVoxels(), sample_rng(0, index))
        assert image.shape == (1, 4, 11)
        assert outlined.shape == (4, 11)
        z, y, x = np.unravel_index(int(image[0, 0, 0]) - 1, label.shape)
        assert (z, x) == (3, 0)
        rows.add(int(y))
    assert rows == set(range(7))


def test_slices_with_too_little_are_left_out_unless_all_are_kept() -> None:
    label = np.zeros((4, 8, 8), np.uint8)
    label[1, 0, :5], label[2, 0, :6] = 1, 1  # the paper drops slices with less than 6 positive pixels
    assert EverySliceView((1, 8, 8), least_pixels=6).slices(Box(label)) == [2]
    assert EverySliceView((1, 8, 8), least_pixels=6, keep_empty=True).slices(Box(label)) == [0, 1, 2, 3]
