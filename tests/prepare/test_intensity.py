import json

import pytest
import torch

from hnseg.prepare.intensity import Normalization
from hnseg.prepare.intensity_steps import ClipScale, MinMax, Raw, Standardise, ZScore


def patch(*shape):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(shape, generator=generator) * 400 + 50


def test_ct_is_clipped_and_divided_by_1024():
    image = torch.tensor([-3024.0, -1024.0, 0.0, 512.0, 3000.0]).reshape(1, 1, 1, 5)
    assert Normalization(["ct"])(image).flatten().tolist() == [-1.0, -1.0, 0.0, 0.5, 1.0]


def test_window_of_other_width_goes_to_plus_minus_one():
    step = ClipScale(-160, 240)
    assert step(torch.tensor([-200.0, -160.0, 40.0, 240.0]), ()).tolist() == [-1.0, -1.0, 0.0, 1.0]


def test_pet_z_score_by_hand_in_both_variants():
    image = torch.tensor([1.0, 1.0, 3.0, 3.0]).reshape(1, 1, 2, 2)  # mean 2, population std 1
    assert torch.allclose(
        Normalization(["pt"], pt={"kind": "zscore", "epsilon": 0})(image).abs(), torch.ones(1, 1, 2, 2)
    )
    assert torch.allclose(Normalization(["pt"])(image).abs(), torch.full((1, 1, 2, 2), 1 / 1.001))


def test_each_sample_of_a_batch_stands_for_itself():
    batch = patch(3, 2, 4, 5, 6)
    normalise = Normalization(["ct", "pt"])
    alone = torch.stack([normalise(sample) for sample in batch])
    assert torch.allclose(normalise(batch), alone, atol=1e-6)
    assert torch.allclose(normalise(batch[:, :, 0][:, :, None])[0], normalise(batch[0][:, :1]), atol=1e-6)


def test_slices_have_no_batch_axis_unless_told():
    image = patch(2, 8, 8)
    flat = Normalization(["ct", "pt"], spatial_dims=2)
    assert torch.allclose(flat(image), Normalization(["ct", "pt"])(image[:, None])[:, 0], atol=1e-6)
    assert flat(image[None]).shape == (1, 2, 8, 8)


@pytest.mark.parametrize("epsilon", [0.0, 1e-3])
def test_constant_patch_becomes_zero(epsilon):
    image = torch.full((1, 7, 7, 7), 0.1)
    assert Normalization(["pt"], pt=ZScore(epsilon))(image).abs().max() < 1e-3


def test_training_set_numbers():
    assert Normalization(["pt"], pt=Standardise(2.0, 4.0))(torch.full((1, 1, 1, 1), 10.0)).item() == 2.0


def test_input_is_left_alone_and_half_becomes_float():
    image = patch(2, 3, 3, 3)
    before = image.clone()
    assert Normalization(["ct", "pt"])(image.half()).dtype == torch.float32
    Normalization(["ct", "pt"])(image)
    assert torch.equal(image, before)


def test_plain_round_trip():
    normalise = Normalization(
        ["ct", "pt"], 2, ct={"kind": "clip", "low": -160, "high": 240}, pt={"kind": "standardise", "mean": 1, "std": 2}
    )
    again = Normalization.from_dict(json.loads(json.dumps(normalise.to_dict())))
    assert (again.modalities, again.spatial_dims, again.steps) == (normalise.modalities, 2, normalise.steps)


@pytest.mark.parametrize(
    ("steps", "word"),
    [
        ({"mr": ZScore()}, "mr"),
        ({"ct": {"kind": "window"}}, "window"),
        ({"ct": {"kind": "clip", "lowest": 1}}, "lowest"),
        ({"ct": {"kind": "clip", "low": 5, "high": 5}}, "below"),
        ({"pt": {"kind": "standardise", "mean": 0, "std": 0}}, "positive"),
    ],
)
def test_bad_steps_are_refused(steps, word):
    with pytest.raises(ValueError, match=word):
        Normalization(["ct", "pt"], **steps)


def test_three_windows_of_one_ct_are_three_channels_before_those_of_the_pet():
    three = Normalization(
        ["ct", "pt"],
        spatial_dims=2,
        channels=4,
        ct={"kind": "windows", "levels": [40, 20, 600], "widths": [80, 350, 2800]},
        pt=Standardise(0.0, 1.0),
    )
    hu = torch.tensor([-1024.0, 0.0, 40.0, 80.0, 3000.0])
    image = torch.stack([hu, torch.arange(5.0)])[:, None]
    brain, soft, bone, pet = three(image)[:, 0]
    assert brain.tolist() == [0.0, 0.0, 0.5, 1.0, 1.0]
    assert soft.tolist() == pytest.approx([0.0, 155 / 350, 195 / 350, 235 / 350, 1.0])
    assert bone.tolist() == pytest.approx([0.0, 800 / 2800, 840 / 2800, 880 / 2800, 1.0])
    assert pet.tolist() == [0, 1, 2, 3, 4]
    assert three(image[None]).shape == (1, 4, 1, 5)


def test_windows_are_standardised_and_survive_a_checkpoint():
    soft = {"kind": "windows", "levels": [20.0], "widths": [350.0], "means": [0.135], "stds": [0.267]}
    normalise = Normalization(["ct"], ct=soft)
    assert normalise(torch.full((1, 2, 2, 2), 20.0)).unique().item() == pytest.approx((0.5 - 0.135) / 0.267)
    again = Normalization.from_dict(json.loads(json.dumps(normalise.to_dict())))
    assert again.steps == normalise.steps
    assert again.channels == 1


@pytest.mark.parametrize(
    ("windows", "sentence"),
    [
        ({"levels": [20, 30], "widths": [350]}, "equally many"),
        ({"levels": [20], "widths": [0]}, "positive"),
        ({"levels": [], "widths": []}, "at least one"),
    ],
)
def test_impossible_windows_are_refused(windows, sentence):
    with pytest.raises(ValueError, match=sentence):
        Normalization(["ct"], ct={"kind": "windows", **windows})


def test_channels_that_the_steps_do_not_make_are_refused():
    with pytest.raises(ValueError, match=r"channels=3, but its steps make 1 of \['ct'\]"):
        Normalization(["ct"], channels=3)


def test_every_slice_goes_from_0_to_1_by_itself():
    first, second = torch.tensor([[2.0, 4.0], [6.0, 3.0]]), torch.tensor([[-5.0, 5.0], [0.0, 0.0]])
    slices = torch.stack([first, second])[:, None]
    found = Normalization(["pt"], spatial_dims=2, pt={"kind": "minmax"})(slices)[:, 0]
    assert found.tolist() == [[[0.0, 0.5], [1.0, 0.25]], [[0.0, 1.0], [0.5, 0.5]]]
    together = Normalization(["pt"], pt={"kind": "minmax"})(slices.transpose(0, 1))
    torch.testing.assert_close(together, (slices.transpose(0, 1) + 5) / 11)


@pytest.mark.parametrize("noise", [0.0, 1e-7])
def test_a_constant_slice_becomes_0(noise):
    image = torch.full((1, 5, 5), 0.1)
    image[0, 2, 2] += noise
    assert Normalization(["pt"], 2, pt=MinMax())(image).abs().max() == 0


def test_raw_stays_as_it_is_beside_a_ct_that_is_clipped():
    image = patch(2, 3, 4, 5)
    ct, pet = Normalization(["ct", "pt"], pt={"kind": "raw"})(image)
    assert torch.equal(pet, image[1])
    assert torch.equal(ct, (image[0] / 1024).clamp(-1, 1))


@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_channels_behind_the_modalities_pass_and_do_not_count(spatial_dims):
    size = (4, 5, 6)[-spatial_dims:]
    image, clicks = patch(3, 2, *size), torch.rand(3, 4, *size)
    normalise = Normalization(["ct", "pt"], spatial_dims, channels=2)
    found = normalise(torch.cat([image, clicks], dim=1))
    assert torch.equal(found[:, :2], normalise(image))
    assert torch.equal(found[:, 2:], clicks)
    assert torch.equal(normalise(torch.cat([image[0], clicks[0]])), found[0])
    three = Normalization(["ct"], spatial_dims, ct={"kind": "windows", "levels": [40, 20], "widths": [80, 350]})
    assert torch.equal(three(torch.cat([image[:, :1], clicks], dim=1))[:, 2:], clicks)


def test_an_image_without_all_modalities_is_not_normalised():
    with pytest.raises(AssertionError):
        Normalization(["ct", "pt"])(patch(1, 3, 3, 3))


def test_what_has_no_numbers_survives_a_checkpoint():
    normalise = Normalization(["ct", "pt"], 2, ct={"kind": "minmax"}, pt={"kind": "raw"})
    again = Normalization.from_dict(json.loads(json.dumps(normalise.to_dict())))
    assert again.steps == normalise.steps == (MinMax(), Raw())
