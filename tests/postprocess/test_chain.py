from dataclasses import dataclass

import numpy as np
import pytest
import torch

import hnseg.postprocess
from hnseg.labels import LabelSet
from hnseg.postprocess import ClickFilter, DropSmall, FillHoles, KeepLargest, Postprocess, Scene
from hnseg.types import Clicks, Grid, Volume

LABELS = LabelSet(("GTVp", "GTVn"))


@dataclass(frozen=True)
class Scale:
    """A refining step whose order can be seen."""

    factor: float
    plus: float

    def refine(self, probabilities, scene, labels):
        return probabilities * self.factor + self.plus


def scene():
    return Scene(torch.zeros(1, 2, 3, 4), ("ct",), (1.0, 1.0, 1.0))


def two_pieces():
    array = np.zeros((4, 5, 20), np.uint8)
    array[1:3, 1:4, 1:6] = 1
    array[1, 1, 10:14] = 1
    array[3, 3, 18] = 1
    return Volume(array, Grid((4, 5, 20), (2.0, 1.0, 1.0)))


def test_refining_steps_follow_each_other() -> None:
    probabilities = torch.full((2, 2, 3, 4), 0.25)
    chain = Postprocess({"a": Scale(2.0, 0.0), "b": Scale(1.0, 0.25)})
    assert chain.refine(probabilities, scene(), LABELS).unique().tolist() == [0.75]
    other = Postprocess({"b": Scale(1.0, 0.25), "a": Scale(2.0, 0.0)})
    assert other.refine(probabilities, scene(), LABELS).unique().tolist() == [1.0]
    assert (chain.refines, chain.cleans, bool(chain), chain.names) == (True, False, True, ("a", "b"))


def test_cleaning_steps_follow_each_other() -> None:
    mask = two_pieces()
    assert Postprocess({"drop": DropSmall(4.0)}).clean(mask, LABELS).array.sum() == 34
    cleaned = Postprocess({"drop": DropSmall(4.0), "largest": KeepLargest()}).clean(mask, LABELS)
    assert cleaned.array.sum() == 30
    assert cleaned.grid is mask.grid
    assert mask.array.sum() == 35


def test_clicks_reach_the_step_that_needs_them() -> None:
    mask = two_pieces()
    chain = Postprocess({"drop": DropSmall(4.0), "filter": ClickFilter(), "largest": KeepLargest()})
    small = Clicks(np.array([[1.0, 1.0, 11.0]]), np.array([1], np.uint8), mask.spacing_mm)
    assert chain.clean(mask, LABELS, small).array.sum() == 4
    assert chain.clean(mask, LABELS, Clicks.none(mask.spacing_mm)).array.sum() == 0
    assert chain.clean(mask, LABELS).array.sum() == 30
    assert chain.needs_clicks
    assert chain.cleans
    assert not Postprocess({"drop": DropSmall(4.0)}).needs_clicks
    assert not Postprocess().needs_clicks


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_axial_slices_are_found_by_the_grid(axis) -> None:
    """Two pieces in each of two slices across the patient, one click: in the other slice nothing is left."""
    axial = np.zeros((2, 3, 5), np.uint8)
    axial[:, 1, [1, 3]] = 1
    order = np.roll([0, 1, 2], axis)  # where superior, posterior and left go
    direction = np.zeros((3, 3))
    for world, along in zip((2, 1, 0), order, strict=True):
        direction[world, along] = -1.0
    array = np.transpose(axial, np.argsort(order))
    mask = Volume(array, Grid(array.shape, (1.0, 1.0, 1.0), direction=direction))
    index = np.zeros((1, 3))
    index[0, order] = (1, 1, 3)
    clicks = Clicks(index, np.array([1], np.uint8), mask.spacing_mm)
    cleaned = Postprocess({"filter": ClickFilter(2)}).clean(mask, LABELS, clicks).array
    assert np.argwhere(cleaned.transpose(order)).tolist() == [[1, 1, 3]]


def test_no_step_changes_nothing() -> None:
    chain, mask, probabilities = Postprocess(), two_pieces(), torch.zeros(2, 2, 3, 4)
    assert not chain
    assert not chain.refines
    assert not chain.cleans
    assert chain.clean(mask, LABELS) is mask
    assert chain.refine(probabilities, scene(), LABELS) is probabilities
    assert chain.to_dict() == {}


def test_a_refining_step_stands_before_a_cleaning_one() -> None:
    with pytest.raises(ValueError, match="late refines probabilities and stands behind largest"):
        Postprocess({"first": Scale(1, 0), "largest": KeepLargest(), "late": Scale(1, 0)})


@pytest.mark.parametrize("nothing", [None, 3, "crf", LABELS, Postprocess(), KeepLargest])
def test_what_is_no_step_is_refused(nothing) -> None:
    with pytest.raises(ValueError, match=r"odd is a .* no step; there are hnseg\.postprocess\."):
        Postprocess({"odd": nothing})


def test_a_chain_is_plain_data_and_comes_back() -> None:
    steps = {"drop": DropSmall(12.5, ("GTVn",)), "largest": KeepLargest(["GTVp"]), "fill": FillHoles()}
    chain = Postprocess({**steps, "click": ClickFilter(2, tolerance_voxels=1)})
    plain = chain.to_dict()
    assert plain == {
        "drop": {"_target_": "hnseg.postprocess.DropSmall", "min_volume_mm3": 12.5, "structures": ["GTVn"]},
        "largest": {"_target_": "hnseg.postprocess.KeepLargest", "structures": ["GTVp"]},
        "fill": {"_target_": "hnseg.postprocess.FillHoles", "structures": None},
        "click": {
            "_target_": "hnseg.postprocess.ClickFilter",
            "spatial_dims": 2,
            "structures": None,
            "tolerance_voxels": 1,
        },
    }
    again = Postprocess.from_dict(plain, "x.ckpt")
    assert again.to_dict() == plain
    assert again.names == ("drop", "largest", "fill", "click")
    assert isinstance(again.steps["fill"], FillHoles)


@pytest.mark.parametrize("empty", [None, {}])
def test_an_older_checkpoint_has_no_chain(empty) -> None:
    assert not Postprocess.from_dict(empty, "x.ckpt")


@pytest.mark.parametrize(
    "target",
    ["os.system", "hnseg.io.atomic_path", "hnseg.postprocess.Postprocess", "hnseg.postprocess.keep_clicked", None],
)
def test_only_own_steps_are_built(target) -> None:
    with pytest.raises(ValueError, match=r"x\.ckpt: postprocess\.bad names .*nothing was built"):
        Postprocess.from_dict({"bad": {"_target_": target}}, "x.ckpt")


@pytest.mark.parametrize("plain", ["crf", 3, ["crf"]])
def test_a_chain_that_is_no_mapping_is_refused(plain) -> None:
    with pytest.raises(ValueError, match=r"x\.ckpt: postprocess"):
        Postprocess.from_dict(plain, "x.ckpt")
    with pytest.raises(ValueError, match=r"x\.ckpt: postprocess\.bad"):
        Postprocess.from_dict({"bad": plain}, "x.ckpt")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"min_volume": 3}, "min_volume"),
        ({}, "min_volume_mm3"),
        ({"min_volume_mm3": -1}, "0 or more"),
        ({"min_volume_mm3": None}, "NoneType"),
    ],
)
def test_arguments_that_a_step_does_not_take_are_named(arguments, says) -> None:
    plain = {"drop": {"_target_": "hnseg.postprocess.DropSmall", **arguments}}
    with pytest.raises(ValueError, match=rf"x\.ckpt: postprocess\.drop cannot be built: .*{says}.*it takes min_volume"):
        Postprocess.from_dict(plain, "x.ckpt")


def test_every_exported_step_says_which_kind_it_is() -> None:
    others = ("Postprocess", "Scene", "keep_clicked")
    steps = [getattr(hnseg.postprocess, name) for name in hnseg.postprocess.__all__ if name not in others]
    assert steps
    for step in steps:
        assert hasattr(step, "refine") != hasattr(step, "clean"), step
