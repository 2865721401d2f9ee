import numpy as np
import pytest
import torch
from torch import nn

from hnseg.clicks import ClickChannels, PointEncoding
from hnseg.inference.feature_maps import LayerMeans
from hnseg.inference.settings import InferenceSettings
from hnseg.prepare import Recipe
from hnseg.prepare.intensity import Normalization, Standardise
from hnseg.types import Grid
from tests.inference.feature_networks import Pointwise, Twice, case_of, maps_of, noise

AS_IT_IS = {"ct": Standardise(0, 1), "pt": Standardise(0, 1)}
BOX = Recipe(regions=("published", "image"), box_size_mm=(16, 16, 16))
UNET = {"_target_": "hnseg.models.UNet", "in_channels": 2, "out_channels": 1, "filters": 2}


@pytest.fixture
def unet(checkpoint):
    def load(**changes):
        return checkpoint(**{"net": UNET, "recipe": BOX, "inference": InferenceSettings((16, 16, 16)), **changes})

    return load


@pytest.fixture
def theirs(checkpoint):
    """A checkpoint of a network that stands beside this file; nothing is normalised."""

    def load(network, spatial_dims=3, **changes):
        parts = {
            "net": {"_target_": f"{type(network).__module__}.{type(network).__name__}"},
            "network": network,
            "normalization": Normalization(("ct", "pt"), spatial_dims, **AS_IT_IS),
            "recipe": BOX,
            "inference": InferenceSettings((16, 16, 16)),
            "trust": (type(network).__module__,),
        }
        return checkpoint(**{**parts, **changes})

    return load


@pytest.mark.parametrize(("layer", "path", "count"), [("bottleneck", "down.3", 16), ("decoder", "up.2", 2)])
def test_one_pass_is_the_plain_mean_of_each_map(unet, layer, path, count):
    loaded, image = unet(), noise(16, 16, 16)
    means = LayerMeans(loaded, layer)
    seen = loaded.normalization(image[None])[0]
    naive = maps_of(loaded.build_network(), path, seen).mean((1, 2, 3)).numpy()
    assert means.path == path
    assert naive.shape == (count,)
    for _ in range(2):  # the second time nothing behind the layer is computed
        np.testing.assert_allclose(means(image), naive, rtol=1e-5, atol=1e-6)


def test_a_2d_network_is_averaged_over_all_slices(unet):
    flat = {**UNET, "spatial_dims": 2}
    loaded = unet(net=flat, normalization=Normalization(("ct", "pt"), 2), inference=InferenceSettings(None))
    image, network = noise(5, 16, 24), loaded.build_network()
    seen = [loaded.normalization(image[None, :, z])[0] for z in range(5)]
    naive = np.mean([maps_of(network, "down.3", one).mean((1, 2)).numpy() for one in seen], axis=0)
    for batch_size in (1, 2):
        found = LayerMeans(loaded, "bottleneck", batch_size=batch_size)(image)
        np.testing.assert_allclose(found, naive, rtol=1e-5, atol=1e-6)


def test_where_windows_overlap_every_voxel_counts_once(unet):
    loaded = unet(inference=InferenceSettings((16, 16, 16), mode="sliding_window", overlap=0.5))
    image, network = noise(16, 24, 29), loaded.build_network()
    means = LayerMeans(loaded, "bottleneck", batch_size=3)
    sums, counts = 0.0, np.zeros((16, 24, 29))
    for y in (0, 8):
        for x in (0, 7, 13):
            window = loaded.normalization(image[None, :, :, y : y + 16, x : x + 16])[0]
            maps = maps_of(network, means.path, window).numpy()
            full = np.zeros((len(maps), 16, 24, 29))
            by = 16 // maps.shape[1]  # every voxel gets the value that stands for it
            full[:, :, y : y + 16, x : x + 16] = np.kron(maps, np.ones((1, by, by, by)))
            counts[:, y : y + 16, x : x + 16] += 1
            sums = sums + full
    naive = (sums / counts).mean((1, 2, 3))
    np.testing.assert_allclose(means(image), naive, rtol=1e-5, atol=1e-5)


def test_of_a_network_that_sees_single_voxels_windows_are_one_pass(theirs):
    image = noise(16, 21, 33)
    windows = InferenceSettings((16, 16, 16), mode="sliding_window")
    found = LayerMeans(theirs(Pointwise(), inference=windows), "same")(image)
    np.testing.assert_allclose(found, image.double().mean((1, 2, 3)), rtol=1e-4, atol=1e-5)


def test_parts_that_end_within_a_voxel_share_it(theirs):
    means = LayerMeans(theirs(Pointwise(), inference=InferenceSettings((16, 16, 16), "sliding_window")), "pool")
    image = noise(16, 16, 24)  # windows at 0 and 8, each pooled to 3^3: parts of 5 1/3 voxels
    share = np.array([1, 1, 1, 1, 1, 1, 1, 1, *[0.5] * 8])
    first = np.array([5 + 1 / 3, 5 + 1 / 3 - (2 + 2 / 3) / 2, (5 + 1 / 3) / 2])
    assert first.sum() == pytest.approx(share.sum())
    total = 0.0
    for start, weight in ((0, first), (8, first[::-1])):
        maps = torch.nn.functional.avg_pool3d(image[None, :, :, :, start : start + 16], 5)[0].double().numpy()
        total = total + (maps.mean((1, 2)) * weight).sum(-1)
    np.testing.assert_allclose(means(image), total / 24, rtol=1e-4)


@pytest.mark.parametrize("net", ["SENormUNet", "UNet"])
def test_a_border_of_air_that_is_padded_again_changes_nothing(checkpoint, net):
    image = noise(32, 16, 32)
    outside = torch.ones(image.shape[1:], dtype=torch.bool)
    outside[3:29, 1:14, 3:29] = False  # the odd voxel is padded behind
    image[0, outside], image[1, outside] = -1024.0, 0.0
    of = {"_target_": f"hnseg.models.{net}", "in_channels": 2, "out_channels": 1, "filters": 2}
    means = LayerMeans(checkpoint(net=of), "decoder")
    np.testing.assert_allclose(means(image[:, 3:29, 1:14, 3:29]), means(image), rtol=1e-4, atol=1e-6)


def test_nothing_is_mirrored_or_drawn_and_weights_stay(unet):
    loaded, image = unet(), noise(16, 16, 16)
    mirrored = unet(inference=InferenceSettings((16, 16, 16), tta="mirror"))
    means = LayerMeans(mirrored, "decoder")
    assert np.array_equal(means(image), LayerMeans(loaded, "decoder")(image))
    assert np.array_equal(means(image), means(image))


def test_click_channels_are_empty(unet):
    clicks = ClickChannels(PointEncoding(), 1, 1, 2, 3, "random", 3)
    loaded = unet(net={**UNET, "in_channels": 4}, clicks=clicks)
    image = noise(16, 16, 16)
    seen = loaded.normalization(torch.cat([image, torch.zeros(2, 16, 16, 16)])[None])[0]
    naive = maps_of(loaded.build_network(), "up.2", seen).mean((1, 2, 3)).numpy()
    np.testing.assert_allclose(LayerMeans(loaded, "decoder")(image), naive, rtol=1e-5, atol=1e-6)


def test_what_lies_behind_the_layer_is_computed_for_the_first_image_only(theirs):
    made = []
    means = LayerMeans(theirs(Pointwise()), "same")
    hook = nn.modules.module.register_module_forward_hook(lambda module, _given, _made: made.append(type(module)))
    try:
        for _ in range(3):
            means(noise(16, 16, 16))
    finally:
        hook.remove()
    assert made.count(nn.Conv3d) == 1
    assert made.count(nn.Identity) == 3


@pytest.mark.parametrize(
    ("layer", "gives"),
    [("twice", "used 2 times"), ("never", "used 0 times"), ("both", "gives no maps"), ("blind", "gives no maps")],
)
def test_a_layer_without_one_set_of_maps_is_refused(theirs, layer, gives):
    with pytest.raises(ValueError, match=rf"layer {layer} of .*Twice (is )?{gives}.* bottleneck or decoder"):
        LayerMeans(theirs(Twice()), layer)(noise(16, 16, 16))


def test_an_unknown_layer_is_refused_before_any_image(unet):
    with pytest.raises(ValueError, match=r"layer=end: UNet has no such layer; it has bottleneck \(down\.3\)"):
        LayerMeans(unet(), "end")


def test_what_is_not_finite_is_refused(theirs):
    with pytest.raises(ValueError, match="is not finite; use precision=32"):
        LayerMeans(theirs(Pointwise()), "same")(torch.full((2, 16, 16, 16), torch.inf))


def test_a_prepared_case_is_its_image(unet, tmp_path):
    rng, grid = np.random.default_rng(0), Grid((16, 16, 16), (1.0, 1.0, 1.0))
    images = {name: rng.normal(0, 9, grid.shape_zyx).astype(np.float32) for name in ("ct", "pt")}
    means, image = LayerMeans(unet(), "decoder"), torch.from_numpy(np.stack([images["ct"], images["pt"]]))
    assert np.array_equal(means.of_case(case_of(tmp_path / "A-1", images, grid)), means(image))


def test_cases_that_were_prepared_otherwise_are_refused(unet, tmp_path):
    means, grid = LayerMeans(unet(), "decoder"), Grid((16, 16, 16), (1.0, 1.0, 1.0))
    images = {name: np.zeros((16, 16, 16), np.float32) for name in ("ct", "pt")}
    with pytest.raises(ValueError, match=r"has the images \['ct'\], the network of .* takes \['ct', 'pt'\]"):
        means.of_case(case_of(tmp_path / "ct", images, grid, modalities=("ct",)))
    with pytest.raises(ValueError, match=r"has voxels of \(2\.0, 1\.0, 1\.0\) mm, the network of .* takes"):
        means.of_case(case_of(tmp_path / "coarse", images, Grid((16, 16, 16), (2.0, 1.0, 1.0))))
