from dataclasses import replace

import numpy as np
import pytest
import torch

from hnseg.labels import LabelSet
from hnseg.postprocess import Crf, Postprocess, Scene
from tests.postprocess import brute_force
from tests.postprocess.scenes import MM, ball, dice

ONE = LabelSet(("GTVp",))
THREE = LabelSet(("GTVp", "GTVn"), "softmax")
OBLONG = ((12, 12, 12), (3.0, 1.0, 1.0))

# Full form, defaults, volumes like these, of the probabilities Q: largest and root mean square difference to all pairs
# were at most 0.040 and 0.0034, to pydensecrf2 0.037 and 0.0064 (its position term is a lattice, ours exact).
MOST, RMS, SAME = 0.05, 0.01, 0.99


def close(got, expected):
    off = (got - expected).abs()
    return float(off.max()) < MOST and float(off.pow(2).mean().sqrt()) < RMS


@pytest.mark.parametrize("normalization", ["symmetric", "before", "after"])
def test_the_window_form_is_all_pairs_in_the_window_for_three_labels(normalization) -> None:
    _, scene, logits = ball((6, 9, 8), 3, (3.0, 1.0, 0.9))
    crf = Crf(form="window", normalization=normalization, iterations=3, position_std_mm=(5, 4, 3), ignore_below=0)
    got = crf.refine(logits.softmax(dim=0), scene, THREE)
    expected = brute_force.refine(crf, logits.softmax(dim=0), scene, True, half=2)
    assert float((got - expected).abs().max()) < 1e-5
    assert float((got - logits.softmax(dim=0)).abs().max()) > 0.1


@pytest.mark.parametrize("window_voxels", [3, 7])
def test_the_window_form_is_all_pairs_in_the_window_for_overlapping_structures(window_voxels) -> None:
    _, scene, logits = ball((6, 9, 8), 2, (2.0, 1.0, 1.0))
    crf = Crf(form="window", window_voxels=window_voxels, ignore_below=0)
    got = crf.refine(logits.sigmoid(), scene, LabelSet(("GTVp", "GTVn")))
    expected = brute_force.refine(crf, logits.sigmoid(), scene, False, half=window_voxels // 2)
    assert float((got - expected).abs().max()) < 1e-5


@pytest.mark.parametrize("iterations", [2, 5])
@pytest.mark.parametrize(("shape", "spacing_mm"), [OBLONG, ((12, 14, 13), (2.0, 1.5, 1.0)), ((1, 30, 30), MM)])
def test_the_full_form_is_all_pairs_within_the_stated_tolerance(shape, spacing_mm, iterations) -> None:
    _, scene, logits = ball(shape, 1, spacing_mm)
    crf = Crf(iterations=iterations)
    got = crf.refine(logits.sigmoid(), scene, ONE)
    expected = brute_force.refine(crf, logits.sigmoid(), scene, False)
    assert close(got, expected)
    assert dice(got > 0.5, expected > 0.5) >= SAME


def test_the_full_form_of_three_labels_is_all_pairs_within_the_stated_tolerance() -> None:
    _, scene, logits = ball(*OBLONG[:1], 3, OBLONG[1])
    got = Crf().refine(logits.softmax(dim=0), scene, THREE)
    assert close(got, brute_force.refine(Crf(), logits.softmax(dim=0), scene, True))
    torch.testing.assert_close(got.sum(dim=0), torch.ones_like(got[0]))


def pydensecrf(crf, p, scene):
    """The authors' program, of [labels, Z, Y, X]."""
    dense = pytest.importorskip("pydensecrf.densecrf", reason="pydensecrf2 is not installed (pip install 'hnseg[crf]')")
    from pydensecrf import utils

    step = [std / mm for std, mm in zip(crf.position_std_mm, scene.spacing_mm, strict=True)]
    field = dense.DenseCRF(p[0].numel(), len(p))
    field.setUnaryEnergy(np.ascontiguousarray(utils.unary_from_softmax(p.numpy())))
    field.addPairwiseEnergy(utils.create_pairwise_gaussian(step, p.shape[1:]), compat=crf.position_weight)
    ends = [crf.intensity_range[name] for name in scene.modalities]
    grey = [((i.clamp(*e) - e[0]) / (e[1] - e[0]) * 255).numpy() for i, e in zip(scene.image, ends, strict=True)]
    stds = [crf.intensity_std[name] for name in scene.modalities]
    features = utils.create_pairwise_bilateral(step, stds, np.stack(grey), chdim=0)
    field.addPairwiseEnergy(features, compat=crf.bilateral_weight)
    return torch.from_numpy(np.array(field.inference(crf.iterations))).view(p.shape)


@pytest.mark.parametrize("shape", [(12, 12, 12), (40, 36, 44)])
def test_the_full_form_is_the_authors_program_within_the_stated_tolerance(shape) -> None:
    inside, scene, logits = ball(shape, 1, (3.0, 1.0, 1.0))
    p, crf = logits.sigmoid(), Crf(iterations=5)
    got, expected = crf.refine(p, scene, ONE)[0], pydensecrf(crf, torch.cat([1 - p, p]), scene)[1]
    assert close(got, expected)
    assert dice(got > 0.5, expected > 0.5) >= SAME
    assert dice(got > 0.5, inside) > dice(p[0] > 0.5, inside) + 0.2


def test_three_labels_are_those_of_the_authors_program_within_the_stated_tolerance() -> None:
    _, scene, logits = ball((20, 24, 22), 3)
    p = logits.softmax(dim=0)
    assert close(Crf().refine(p, scene, THREE), pydensecrf(Crf(), p, scene))


def test_the_bilateral_term_alone_is_the_same_lattice_as_the_authors() -> None:
    _, scene, logits = ball((20, 24, 22), 3)
    p, crf = logits.softmax(dim=0), Crf(position_weight=0.0)
    expected = pydensecrf(replace(crf, position_weight=1e-9), p, scene)
    torch.testing.assert_close(crf.refine(p, scene, THREE), expected, rtol=0, atol=1e-3)


def test_isolated_false_positives_vanish_and_the_boundary_snaps_to_the_edge() -> None:
    inside, scene, _ = ball((32, 32, 32))
    p = torch.where(inside.roll(2, dims=2), 0.8, 0.1)  # a prediction that lies two voxels off
    p[3, 3, 3:5] = 0.9
    got = Crf().refine(p[None], scene, ONE)[0] > 0.5
    assert not got[:7, :7, :7].any()
    assert dice(p > 0.5, inside) < 0.85
    assert dice(got, inside) > 0.9
    without_images = Crf(bilateral_weight=0.0).refine(p[None], scene, ONE)[0] > 0.5
    assert dice(without_images, inside) < 0.85


@pytest.mark.parametrize("form", ["full", "window"])
def test_what_lies_outside_the_box_would_hardly_have_changed(form) -> None:
    _, scene, _ = ball((64, 64, 64))
    place = torch.cartesian_prod(*[torch.arange(64.0)] * 3).view(64, 64, 64, 3)
    distance = (place - torch.tensor([20.0, 30.0, 31.0])).norm(dim=3)
    noise = torch.randn(64, 64, 64, generator=torch.Generator().manual_seed(5))
    p = (1.5 * (6 - distance) + noise).sigmoid()[None]
    everywhere = Crf(form=form, ignore_below=0).refine(p, scene, ONE)
    got = Crf(form=form).refine(p, scene, ONE)
    unchanged = got == p
    assert 0.2 < unchanged.float().mean() < 0.95  # a part was left out, and a part was not
    assert float((got - everywhere).abs().max()) <= 1e-3
    assert torch.equal(got > 0.5, everywhere > 0.5)


def test_in_the_window_form_the_box_is_refined_as_if_there_were_no_box() -> None:
    _, scene, _ = ball((30, 28, 30))
    p = torch.full((1, 30, 28, 30), 0.25)
    box = (slice(None), slice(12, 16), slice(11, 15), slice(20, 25))
    p[box] = torch.rand(1, 4, 4, 5, generator=torch.Generator().manual_seed(6)) / 2 + 0.35
    crf = Crf(form="window", ignore_below=0.3, iterations=3)
    got, everywhere = crf.refine(p, scene, ONE), replace(crf, ignore_below=0).refine(p, scene, ONE)
    assert float((got - everywhere)[box].abs().max()) < 1e-5
    assert float((got - everywhere).abs().max()) > 0.1


def test_millimetres_and_not_voxels_count() -> None:
    _, scene, logits = ball((10, 12, 11))
    doubled = Scene(scene.image, scene.modalities, (2.0, 2.0, 2.0))
    twice = Crf(position_std_mm=10, bilateral_std_mm=10.0)
    p = logits.sigmoid()
    torch.testing.assert_close(twice.refine(p, doubled, ONE), Crf().refine(p, scene, ONE))
    assert (Crf().refine(p, doubled, ONE) - Crf().refine(p, scene, ONE)).abs().max() > 0.02


@pytest.mark.parametrize("form", ["full", "window"])
@pytest.mark.parametrize("modality", ["ct", "pt"])
def test_one_modality_is_enough(form, modality) -> None:
    """The usual wrapper gave zeros here."""
    inside, scene, logits = ball((24, 24, 24))
    channel = scene.modalities.index(modality)
    alone = Scene(scene.image[channel : channel + 1], (modality,), MM)
    p = logits.sigmoid()
    for std in (5.0, {"ct": 5.0, "pt": 5.0}, {modality: 5.0}):
        got = Crf(intensity_std=std, form=form).refine(p, alone, ONE)[0]
        assert dice(got > 0.5, inside) > dice(p[0] > 0.5, inside) + 0.1


def test_a_modality_without_a_number_is_named() -> None:
    _, scene, logits = ball()
    odd = Scene(scene.image, ("ct", "mr"), MM)
    with pytest.raises(ValueError, match=r"'mr'.*ct, pt.*intensity_std\.mr"):
        Crf().refine(logits.sigmoid(), odd, ONE)
    got = Crf(intensity_std={"ct": 5.0, "mr": 5.0}).refine(logits.sigmoid(), odd, ONE)  # its own range
    assert got.isfinite().all()


def test_intensities_are_cut_off_at_their_range() -> None:
    _, scene, logits = ball()
    crf = Crf(intensity_range={"ct": (-100.0, 50.0), "pt": (0.0, 4.0)})
    cut = Scene(torch.stack([scene.image[0].clamp(-100, 50), scene.image[1].clamp(0, 4)]), scene.modalities, MM)
    p = logits.sigmoid()
    torch.testing.assert_close(crf.refine(p, scene, ONE), crf.refine(p, cut, ONE))
    assert not torch.equal(crf.refine(p, scene, ONE), Crf().refine(p, scene, ONE))
    own = Crf(intensity_range={"ct": None})
    torch.testing.assert_close(
        own.refine(p, scene, ONE), own.refine(p, Scene(scene.image * 3 - 7, scene.modalities, MM), ONE),
        rtol=0, atol=1e-3,
    )  # fmt: skip


@pytest.mark.parametrize("form", ["full", "window"])
@pytest.mark.parametrize("labels", [ONE, THREE])
def test_nothing_anywhere_stays_nothing(form, labels) -> None:
    _, scene, _ = ball()
    p = torch.zeros(labels.channels, 12, 12, 12)
    got = Crf(form=form).refine(p, scene, labels)
    assert torch.equal(got, p)
    assert got.data_ptr() != p.data_ptr()
    if labels is ONE:
        assert float(Crf(form=form, ignore_below=0).refine(p, scene, labels).max()) < 1e-4


@pytest.mark.parametrize("form", ["full", "window"])
@pytest.mark.parametrize("label", [0, 1, 2])
def test_one_label_everywhere_stays(form, label) -> None:
    _, scene, _ = ball()
    p = torch.zeros(3, 12, 12, 12)
    p[label] = 1
    for ignore_below in (0, 1e-3):
        got = Crf(form=form, ignore_below=ignore_below).refine(p, scene, THREE)
        assert float((got - p).abs().max()) < 1e-4


@pytest.mark.parametrize("form", ["full", "window"])
@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 1, 9), (1, 8, 9), (7, 1, 9), (2, 2, 2)])
def test_axes_of_one_voxel_and_images_of_one_value(form, shape) -> None:
    _, scene, logits = ball(shape, 3)
    constant = Scene(torch.full_like(scene.image, 3.0), scene.modalities, MM)
    for seen in (scene, constant):
        for ranges in ({}, {"ct": (-1024.0, 1024.0), "pt": (0.0, 20.0)}):
            got = Crf(form=form, intensity_range=ranges).refine(logits.softmax(dim=0), seen, THREE)
            assert got.shape == (3, *shape)
            torch.testing.assert_close(got.sum(dim=0), torch.ones(shape))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_is_refused(value) -> None:
    _, scene, logits = ball()
    p = logits.sigmoid()
    spoilt = scene.image.clone()
    spoilt[1, 2, 3, 4] = value
    with pytest.raises(ValueError, match="the image of pt"):
        Crf().refine(p, Scene(spoilt, scene.modalities, MM), ONE)
    p[0, 1, 2, 3] = value
    with pytest.raises(ValueError, match="the network's probabilities"):
        Crf().refine(p, scene, ONE)


def test_half_precision_comes_back_in_single_without_a_gradient() -> None:
    _, scene, logits = ball()
    p = logits.sigmoid().bfloat16()
    got = Crf().refine(p.requires_grad_(), scene, ONE)
    assert got.dtype == torch.float32
    assert not got.requires_grad
    torch.testing.assert_close(got, Crf().refine(p.detach().float(), scene, ONE))


def test_without_weights_nothing_changes() -> None:
    _, scene, logits = ball()
    p = logits.sigmoid()
    torch.testing.assert_close(Crf(position_weight=0, bilateral_weight=0).refine(p, scene, ONE), p)


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ({"iterations": 0}, "iterations"),
        ({"position_std_mm": (5.0, 5.0)}, "position_std_mm"),
        ({"bilateral_std_mm": (5.0, 0.0, 5.0)}, "bilateral_std_mm"),
        ({"bilateral_std_mm": -1}, "bilateral_std_mm"),
        ({"position_weight": -1.0}, "weights"),
        ({"intensity_std": {"ct": 0.0}}, "intensity_std"),
        ({"intensity_range": {"ct": (5.0, 5.0)}}, r"intensity_range\.ct"),
        ({"intensity_range": {"pt": (5.0,)}}, r"intensity_range\.pt"),
        ({"window_voxels": 4}, "window_voxels"),
        ({"form": "lattice"}, "full or window"),
        ({"normalization": "none"}, "symmetric, before or after"),
        ({"ignore_below": 0.5}, "ignore_below"),
    ],
)
def test_settings_out_of_range_are_named(setting, says) -> None:
    with pytest.raises(ValueError, match=says):
        Crf(**setting)


def test_in_a_chain_from_plain_data() -> None:
    _, scene, logits = ball()
    chain = Postprocess({"crf": Crf(iterations=3, position_std_mm=4.0, intensity_range={"ct": None})})
    plain = chain.to_dict()
    assert plain["crf"]["position_std_mm"] == [4.0, 4.0, 4.0]
    assert plain["crf"]["intensity_range"] == {"ct": None}
    again = Postprocess.from_dict(plain, "x.ckpt")
    assert again.to_dict() == plain
    assert again.refines
    assert not again.cleans
    p = logits.sigmoid()
    assert torch.equal(again.refine(p, scene, ONE), chain.refine(p, scene, ONE))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device: any other than the CPU cannot be tried")
@pytest.mark.parametrize("form", ["full", "window"])
def test_on_another_device(form) -> None:
    _, scene, logits = ball((20, 24, 22), 3)
    p, crf = logits.softmax(dim=0), Crf(form=form)
    there = crf.refine(p.cuda(), Scene(scene.image.cuda(), scene.modalities, MM), THREE)
    assert there.device.type == "cuda"
    torch.testing.assert_close(there.cpu(), crf.refine(p, scene, THREE), rtol=0, atol=1e-3)
