import numpy as np
import pytest
import torch

from hnseg.clicks import ClickChannels, DiskEncoding, EdtEncoding, GaussianEncoding, PointEncoding, robot_click
from hnseg.types import Clicks

EDT = EdtEncoding(10.0)


def channels_of(encoding=EDT, structures=2, negatives=1, spatial_dims=2, simulate="random", most=None):
    return ClickChannels(encoding, structures, negatives, structures + negatives, spatial_dims, simulate, most)


def slices():
    """Tumour in slices 1 and 3 of 5; two components in slice 3, which are one in 3-D with that of slice 2."""
    label = np.zeros((5, 24, 28), np.uint8)
    label[1, 3:8, 4:9] = 1
    label[2, 10:15, 4:20] = 2
    label[3, 10:15, 4:7] = label[3, 10:15, 16:20] = 2
    return label


def test_each_structure_has_its_channel_and_negative_clicks_the_last():
    index = np.array([[3.0, 4.0], [10.0, 12.0], [20.0, 2.0], [11.0, 12.0]])
    clicks = Clicks(index, np.array([2, 1, 0, 2], np.uint8), (2.0, 1.0))
    shown = channels_of().encode(clicks, (24, 28))
    assert shown.dtype == torch.float32
    for number, rows in ((0, [1]), (1, [0, 3]), (2, [2])):
        np.testing.assert_array_equal(shown[number].numpy(), EDT(index[rows], (24, 28), (2.0, 1.0)))
    assert not channels_of().encode(Clicks.none((2.0, 1.0)), (24, 28)).any()
    assert channels_of(negatives=0).encode(Clicks.none((2.0, 1.0)), (24, 28)).shape == (2, 24, 28)


@pytest.mark.parametrize("encoding", [PointEncoding(), GaussianEncoding(3.0), DiskEncoding(4.0), EDT])
def test_a_volume_for_a_2d_network_is_its_slices_by_themselves(encoding):
    rng = np.random.default_rng(0)
    index, values = rng.uniform(0, (4, 23, 27), (12, 3)), rng.integers(0, 3, 12).astype(np.uint8)
    channels = channels_of(encoding)
    shown = channels.encode(Clicks(index, values, (3.0, 2.0, 1.0)), (5, 24, 28))
    assert shown.shape == (3, 5, 24, 28)
    for z in range(5):
        here = np.rint(index[:, 0]) == z
        alone = channels.encode(Clicks(index[here, 1:], values[here], (2.0, 1.0)), (24, 28))
        assert torch.equal(shown[:, z], alone)
        assert bool(shown[:, z].any()) == bool(here.any())


def test_a_3d_network_sees_a_click_in_the_slices_beside_it():
    clicks = Clicks(np.array([[2.0, 10.0, 10.0]]), np.array([1], np.uint8), (3.0, 1.0, 1.0))
    shown = channels_of(spatial_dims=3).encode(clicks, (5, 24, 28))
    np.testing.assert_allclose(shown[0, :, 10, 10], [0.4, 0.7, 1.0, 0.7, 0.4], atol=1e-6)


def test_the_papers_rule_is_one_click_in_every_component_of_a_slice():
    label = slices()
    clicks = channels_of(simulate="centre").draw(label, np.random.default_rng(0), spacing_mm=(3.0, 1.0, 1.0))
    assert clicks.index.tolist() == [[1, 5, 6], [2, 12, 12], [3, 12, 5], [3, 12, 18]]  # 11.5 and 17.5: to even
    assert clicks.values.tolist() == [1, 2, 2, 2]
    volume = channels_of(simulate="centre", spatial_dims=3)
    assert len(volume.draw(label, np.random.default_rng(0), spacing_mm=(3.0, 1.0, 1.0))) == 2
    drawn = channels_of().draw(torch.from_numpy(label), np.random.default_rng(0), spacing_mm=(3.0, 1.0, 1.0))
    assert drawn.index[:, 0].tolist() == [1, 2, 3, 3]
    np.testing.assert_array_equal(label[tuple(drawn.index.astype(int).T)], drawn.values)


def test_a_volume_of_slices_is_drawn_as_one_slice_after_the_other():
    label, image = slices(), np.random.default_rng(1).random((2, 5, 24, 28)).astype(np.float32)
    channels = channels_of(most=4)
    together = channels.draw(label, np.random.default_rng(3), image=image, spacing_mm=(3.0, 2.0, 1.0))
    rng = np.random.default_rng(3)
    alone = [channels.draw(label[z], rng, image=image[:, z], spacing_mm=(2.0, 1.0)) for z in range(5)]
    np.testing.assert_array_equal(together.index[:, 1:], np.concatenate([clicks.index for clicks in alone]))
    np.testing.assert_array_equal(together.index[:, 0], np.repeat(range(5), [len(clicks) for clicks in alone]))
    np.testing.assert_array_equal(together.values, np.concatenate([clicks.values for clicks in alone]))
    assert len(together) > 5


def test_an_empty_volume_is_drawn_to_no_clicks():
    for dims in (2, 3):
        clicks = channels_of(spatial_dims=dims).draw(
            np.zeros((4, 8, 8), np.uint8), np.random.default_rng(0), spacing_mm=(3.0, 1.0, 1.0)
        )
        assert clicks.index.shape == (0, 3)


@pytest.mark.parametrize("negatives", [0, 1])
def test_a_robot_adds_its_click_to_each_sample(negatives):
    target, prediction = slices(), np.zeros((5, 24, 28), np.uint8)
    prediction[0, 2:5, 2:5] = 1  # too much; slice 1 to 3 are missed, slice 4 is right
    channels = channels_of(negatives=negatives)
    before = torch.rand(5, channels.channels, 24, 28) * 0.5
    kept = before.clone()
    spacing_mm = torch.tensor([[1.0, 1.0], [1.0, 1.0], [3.0, 1.0], [1.0, 1.0], [1.0, 1.0]], dtype=torch.float64)
    after = channels.correct(before, torch.from_numpy(prediction), torch.from_numpy(target), spacing_mm)
    assert torch.equal(before, kept)
    assert torch.equal(after[4], before[4])
    for i in range(4):
        own_mm = tuple(spacing_mm[i].tolist())
        click = robot_click(prediction[i], target[i], own_mm, bool(negatives))
        expected = torch.maximum(before[i], channels.encode(click, (24, 28)))
        assert torch.equal(after[i], expected)
        assert torch.equal(after[i], before[i]) == (i == 0 and not negatives)
    alike = channels.correct(before, torch.from_numpy(prediction), torch.from_numpy(target), (1.0, 1.0))
    assert torch.equal(alike[0], after[0])
    assert not torch.equal(alike[2], after[2])


def test_a_robots_click_keeps_the_channels_precision():
    channels = channels_of(spatial_dims=3)
    before = torch.zeros((1, 3, 5, 24, 28), dtype=torch.float16)
    target = torch.from_numpy(slices())[None]
    after = channels.correct(before, torch.zeros_like(target), target, (3.0, 1.0, 1.0))
    assert after.dtype == torch.float16
    assert after[0, 1].max() == 1


def test_a_click_that_the_network_does_not_know_is_refused():
    negative = Clicks(np.zeros((1, 2)), np.zeros(1, np.uint8), (1.0, 1.0))
    with pytest.raises(ValueError, match="negative click"):
        channels_of(negatives=0).encode(negative, (4, 4))
    third = Clicks(np.zeros((1, 2)), np.full(1, 3, np.uint8), (1.0, 1.0))
    with pytest.raises(ValueError, match=r"structure 3.*network of 2"):
        channels_of().encode(third, (4, 4))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"channels": 2}, "channels=2"),
        ({"structures": 0, "channels": 1}, "structures=0"),
        ({"negatives": 2, "channels": 4}, "negatives=2"),
        ({"spatial_dims": 1}, "spatial_dims=1"),
        ({"simulate": "human"}, "'human'"),
        ({"most": 0}, "most=0"),
        ({"encoding": "edt"}, "encoding is 'edt'"),
    ],
)
def test_impossible_settings_are_refused_by_name(change, words):
    right = {"encoding": EDT, "structures": 2, "negatives": 1, "channels": 3, "spatial_dims": 2}
    with pytest.raises(ValueError, match=words):
        ClickChannels(**{**right, "simulate": "random", "most": None, **change})
