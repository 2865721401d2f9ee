from collections import namedtuple
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from hnseg.data.splits import Split
from hnseg.inference import InferenceSettings
from hnseg.io import write_volume
from hnseg.labels import LabelSet
from hnseg.losses import Dice
from hnseg.models import UNet
from hnseg.modules import SegmentationModule
from hnseg.prepare import Recipe
from hnseg.prepare.intensity import Normalization
from hnseg.run import cost
from hnseg.run.cost import (
    Seen,
    Work,
    bytes_needed,
    case_sizes_mm,
    count_work,
    device_count,
    hours,
    sample_size,
    short_of_room,
)
from hnseg.run.timing import Timing, _half, time_network
from hnseg.types import Grid, Study, Volume

TRAINER = {"max_epochs": 5, "check_val_every_n_epoch": 2, "limit_train_batches": 1.0, "limit_val_batches": 1.0}
TRAINER |= {"devices": 1, "accelerator": "cpu", "precision": "32-true"}
PLAIN = {"batch_size": 4, "samples_per_case": 1, "trainer": TRAINER}


def split(train: int, val: int) -> Split:
    ids = [f"P{number}" for number in range(train + val)]
    return Split("s", "inner", tuple(ids[:train]), tuple(ids[train:]), ("T",))


def test_steps_and_validation_passes_by_hand() -> None:
    work = count_work(PLAIN, [split(10, 2), split(8, 3)], folds=4)
    assert work == Work(folds=4, waiting=2, epochs=5, steps=5 * (3 + 2), validated=2 * 5)
    twice = count_work(PLAIN | {"samples_per_case": 2}, [split(10, 2)], 1)
    assert twice.steps == 5 * 5
    assert count_work(PLAIN, [], 4) == Work(4, 0, 5, 0, 0)
    assert count_work(PLAIN, [split(10, 2)], 1, visits=6).steps == 5 * 15


@pytest.mark.parametrize(("limit", "batches"), [(1, 1), (2, 2), (9, 3), (1.0, 3), (0.5, 1)])
def test_limits_count_as_lightnings_do(limit: float, batches: int) -> None:
    plain = PLAIN | {"trainer": TRAINER | {"limit_train_batches": limit, "limit_val_batches": limit}}
    work = count_work(plain, [split(12, 3)], 1)
    assert (work.steps, work.validated) == (5 * batches, 2 * batches)


@pytest.mark.parametrize("devices", [1, 2, [0, 3]])
def test_hours_are_in_proportion_to_voxels(devices) -> None:
    plain = PLAIN | {"trainer": TRAINER | {"devices": devices}}
    timing = Timing((1, 2, 16, 16, 16), step_s=2.0, forward_s=0.5)
    seen = Seen((32, 32, 32), case_voxels=16.0 * 16**3, visits=1)
    work = Work(1, 1, 1, steps=100, validated=10)
    one_device_s = 100 * 4 * 8 * 2.0 + 10 * 16 * 0.5
    assert hours(work, timing, plain, seen) == pytest.approx(one_device_s / 3600 / device_count(plain["trainer"]))


def test_slices_have_no_third_axis() -> None:
    seen = sample_size({"view": {"size_zyx": [1, 32, 32], "spatial_dims": 2}}, [(2.0, 2.0, 2.0)], (2, 2, 2))
    assert seen == Seen((32, 32), 1.0, 1)
    work, timing = Work(1, 1, 1, steps=10, validated=0), Timing((1, 2, 16, 16), 3600.0, 1.0)
    assert hours(work, timing, PLAIN, seen) == pytest.approx(10 * 4 * 4)


def test_a_view_without_a_size_shows_cases_of_the_average_one() -> None:
    sizes_mm = [(64.0, 64.0, 64.0), (64.0, 64.0, 192.0)]
    view = {"size_zyx": None, "spatial_dims": 3, "_target_": "hnseg.data.VolumeView"}
    assert sample_size({"view": view}, sizes_mm, (2.0, 2.0, 2.0)) == Seen((32, 32, 64), 32 * 32 * 64, 1)
    every = {"size_zyx": [1, 48, 48], "spatial_dims": 2, "_target_": "hnseg.data.EverySliceView"}
    assert sample_size({"view": every}, sizes_mm, (4.0, 2.0, 2.0)).visits == 16


def test_devices_that_lightning_chooses_count_as_one() -> None:
    assert [device_count({"devices": devices}) for devices in (2, "3", "auto", [0, 1])] == [2, 3, 1, 2]


def test_boxes_are_known_and_whole_images_are_looked_at(tmp_path: Path) -> None:
    grid = Grid((10, 20, 30), (3.0, 2.0, 1.0))
    write_volume(Volume(np.zeros(grid.shape_zyx, np.int16), grid), tmp_path / "ct.nii.gz")
    studies = [Study("P1", {"ct": tmp_path / "ct.nii.gz"})]
    box = Recipe(modalities=("ct",), regions=("published", "image"), box_size_mm=(144, 144, 144))
    assert case_sizes_mm(studies, box) == [(144, 144, 144)]
    whole = Recipe(modalities=("ct",), regions=("image",), box_size_mm=(144, 144, 144))
    assert case_sizes_mm(studies, whole)[0] == pytest.approx((30, 40, 30))
    slices = Recipe(("ct",), spacing_mm=(4, 4, 4), regions=("rainio2024",), slice_size_yx=(128, 64))
    (size_mm,) = case_sizes_mm(studies, slices)
    assert [size / mm for size, mm in zip(size_mm, slices.spacing_mm, strict=True)] == [grid.shape_zyx[0], 128, 64]


def needed(tmp_path: Path, **changes) -> dict:
    plain = {"paths": {"cache": str(tmp_path / "cache"), "output": str(tmp_path / "runs" / "cv" / "x")}}
    recipe = Recipe(spacing_mm=(1, 1, 1), box_size_mm=(100, 100, 100))
    net = SimpleNamespace(net=torch.nn.Linear(10, 100, bias=False))
    work = Work(folds=8, waiting=changes.get("waiting", 3), epochs=1, steps=1, validated=1)
    return bytes_needed(plain, recipe, [(100.0, 100.0, 100.0)] * 2, net, work, masks=7)


def test_bytes_by_hand(tmp_path: Path) -> None:
    parts = {name: size for name, (_, size) in needed(tmp_path).items()}
    assert parts["checkpoints"] == 3 * 2 * 3 * 1000 * 4  # networks, best and last, weights and Adam's two, float32
    assert parts["masks"] == 7 * cost.MASK_BYTES
    assert parts["prepared cases"] == pytest.approx(2 * 5e6, rel=0.01)  # CT, PET and label: 2 + 2 + 1 bytes
    assert needed(tmp_path, waiting=0)["checkpoints"][1] == 0


def test_a_disk_that_is_too_small_is_named_with_the_sum_of_what_goes_there(tmp_path: Path, monkeypatch) -> None:
    usage = namedtuple("usage", "total used free")
    parts = needed(tmp_path)
    total = sum(size for _, size in parts.values())
    monkeypatch.setattr(cost.shutil, "disk_usage", lambda _: usage(0, 0, total))
    assert short_of_room(parts) == []
    monkeypatch.setattr(cost.shutil, "disk_usage", lambda _: usage(0, 0, total - 1))
    (sentence,) = short_of_room(parts)
    assert str(tmp_path / "cache") in sentence
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    ("size", "divisor", "half"), [(144, 16, 64), (128, 16, 64), (48, 16, 32), (32, 16, 32), (16, 16, 16), (144, 1, 72)]
)
def test_a_timed_patch_fits_the_network(size: int, divisor: int, half: int) -> None:
    assert _half(size, divisor) == half


@pytest.mark.parametrize("dims", [2, 3])
def test_a_step_is_timed_with_the_runs_own_parts_and_changes_the_weights(dims: int) -> None:
    net = UNet(in_channels=2, out_channels=1, filters=2, spatial_dims=dims)
    steps = []

    class Counted(torch.optim.SGD):
        def step(self, closure=None):
            steps.append(1)
            return super().step(closure)

    module = SegmentationModule(
        net,
        LabelSet(("GTVt",)),
        Dice("sigmoid"),
        Normalization(("ct", "pt"), spatial_dims=dims),
        optimizer=lambda parameters: Counted(parameters, lr=0.1),
        scheduler={"scheduler": lambda optimizer: torch.optim.lr_scheduler.ConstantLR(optimizer)},
        inference=InferenceSettings((32, 64, 64)),
    )
    before = net.head.weight.detach().clone()
    timing = time_network(module, (32, 64, 64)[-dims:], 2, TRAINER)
    assert timing.shape == (1, 2, *([16] * (dims == 3)), 32, 32)
    assert timing.voxels == 32 * 32 * (16 if dims == 3 else 1)
    assert timing.step_s > 0
    assert timing.forward_s > 0
    assert len(steps) == 4  # the first is not counted
    assert not torch.equal(net.head.weight, before)
