"""Reference values of the IBSI-1 (Zwanenburg et al. 2020, doi:10.1148/radiol.2020191145, CC BY 4.0)."""

import csv
import math

import numpy as np
import pytest

from hnseg.geometry import resample
from hnseg.io import read_volume
from hnseg.radiomics import Settings, extract
from hnseg.radiomics.dependence import dependences
from hnseg.radiomics.discretise import grey_levels, resegmented
from hnseg.radiomics.glcm import co_occurrences
from hnseg.radiomics.region import Region
from hnseg.radiomics.run_lengths import run_lengths
from hnseg.radiomics.size_zones import size_zones
from hnseg.radiomics.tone_difference import tone_differences
from hnseg.types import Grid, Volume
from tests.radiomics import phantom
from tests.radiomics.ibsi_tags import NOT_IN_IBSI, OTHERWISE_IN_IBSI, everything, textures

WHOLE = Settings(bin_width=1)
"""The phantom's intensities are its grey levels."""
AXES = ("LeastAxisLength", "MinorAxisLength", "MajorAxisLength")
VALUES = {
    "morph_volume": (556, 4), "morph_vol_approx": (592, 4), "morph_area_mesh": (388, 3), "morph_av": (0.698, 0.004),
    "morph_sphericity": (0.843, 0.005), "morph_diam": (13.1, 0.1), "morph_pca_elongation": (0.816, 0.005),
    "morph_pca_flatness": (0.749, 0.005), "stat_mean": (2.15, 0), "stat_var": (3.05, 0), "stat_skew": (1.08, 0),
    "stat_median": (1, 0), "stat_min": (1, 0), "stat_p10": (1, 0), "stat_p90": (4, 0), "stat_max": (6, 0),
    "stat_iqr": (3, 0), "stat_range": (5, 0), "stat_mad": (1.55, 0), "stat_rmad": (1.11, 0),
    "stat_energy": (567, 0), "stat_rms": (2.77, 0), "ih_entropy": (1.27, 0), "ih_uniformity": (0.512, 0),
}  # fmt: skip
"""Tag to reference value and tolerance, of the digital phantom."""


def reference(folder, name):
    with (folder / "ibsi_1_reference_values" / f"{name}.csv").open() as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    return {row["tag"]: (float(row["reference value"]), float(row["tolerance"])) for row in rows if row["tolerance"]}


def agrees(found, value, tolerance):
    """Within the tolerance, or equal in the three digits that are published."""
    return abs(found - value) <= tolerance or math.isclose(float(f"{found:.3g}"), value, rel_tol=1e-9)


def departing(found, tags, references):
    return {name for name, tag in tags.items() if not agrees(found[name], *references[tag])}


@pytest.fixture(scope="module")
def digital():
    return extract(phantom.IMAGE, phantom.MASK, phantom.SPACING_MM, WHOLE)


def test_every_feature_is_compared_or_known_not_to_be_there(digital) -> None:
    assert set(digital) == set(everything()) | NOT_IN_IBSI | OTHERWISE_IN_IBSI


def test_shape_and_first_order_of_the_digital_phantom(digital) -> None:
    tags = {name: tag for name, tag in everything().items() if tag in VALUES}
    assert len(tags) == len(VALUES)
    assert departing(digital, tags, VALUES) == set()


def test_kurtosis_is_not_the_excess(digital) -> None:
    assert agrees(digital["original_firstorder_Kurtosis"] - 3, -0.355, 0)


def test_axes_are_of_the_population_covariance(digital) -> None:
    lengths = [digital[f"original_shape_{name}"] for name in AXES]
    ours = np.array(lengths) * math.sqrt(74 / 73)
    assert [agrees(*one) for one in zip(ours, (8.54, 9.31, 11.4), (0.05, 0.06, 0.1), strict=True)] == [True] * 3
    assert not agrees(lengths[0], 8.54, 0.05)


@pytest.mark.real
def test_the_copy_of_the_phantom(real_radiomics) -> None:
    folder = real_radiomics / "ibsi_1_digital_phantom" / "nifti"
    image, mask = (read_volume(next((folder / kind).glob("*.nii.gz"))) for kind in ("image", "mask"))
    assert (image.array == phantom.IMAGE).all()
    assert ((mask.array > 0) == phantom.MASK).all()
    assert image.spacing_mm == phantom.SPACING_MM


@pytest.mark.real
def test_all_features_of_the_digital_phantom(real_radiomics, digital) -> None:
    references = reference(real_radiomics, "ibsi_1_dig_phantom")
    assert VALUES.items() <= references.items()
    assert departing(digital, everything(), references) <= {f"original_shape_{name}" for name in AXES}


@pytest.mark.real
def test_within_slices_features_are_the_ibsis_two_and_a_half_dimensional_ones(real_radiomics) -> None:
    found = extract(phantom.IMAGE, phantom.MASK, phantom.SPACING_MM, Settings(bin_width=1, force_2d=True))
    assert departing(found, textures("2_5D_avg", "2_5D"), reference(real_radiomics, "ibsi_1_dig_phantom")) == set()


def lung(folder, interpolation):
    """The CT phantom at 2 mm, in whole HU, as configurations C to E prepare it."""
    paths = folder / "ibsi_1_ct_phantom" / "nifti"
    image, mask = read_volume(paths / "image" / "phantom.nii.gz"), read_volume(paths / "mask" / "mask.nii.gz")
    grid = image.grid
    sizes = tuple(math.ceil(round(n * mm / 2, 3)) for n, mm in zip(grid.shape_zyx, grid.spacing_mm, strict=True))
    centre = grid.to_lps_mm((np.array(grid.shape_zyx) - 1) / 2)
    target = Grid(sizes, (2.0, 2.0, 2.0), tuple(centre - grid.direction @ (np.array(sizes) - 1)), grid.direction)
    inside = resample(Volume(mask.array.astype(np.float32), mask.grid), target, "linear").array >= 0.5
    return np.round(resample(image, target, interpolation, -1000).array), inside, target.spacing_mm


@pytest.mark.real
@pytest.mark.parametrize(
    ("configuration", "interpolation", "settings"),
    [
        ("d", "linear", Settings(bin_count=32, resegment_sigma=3)),
        ("e", "bspline", Settings(bin_count=32, resegment_sigma=3, resegment_range=(-1000, 400))),
    ],
)
def test_all_features_of_the_lung_tumour(real_radiomics, configuration, interpolation, settings) -> None:
    references = reference(real_radiomics, f"ibsi_1_chest_config_{configuration}")
    found = extract(*lung(real_radiomics, interpolation), settings)
    assert departing(found, everything(), references) == set()
    assert agrees(found["original_firstorder_Kurtosis"] - 3, *references["stat_kurt"])


@pytest.mark.real
def test_levels_start_at_the_lowest_voxel_and_not_at_the_range(real_radiomics) -> None:
    """Configuration C has fixed bins from -1000 HU, and no voxel in the first two: all our levels are two lower."""
    settings = Settings(bin_width=25, resegment_range=(-1000, 400))
    image, mask, spacing_mm = lung(real_radiomics, "linear")
    references, tags = reference(real_radiomics, "ibsi_1_chest_config_c"), everything()
    of_level = departing(extract(image, mask, spacing_mm, settings), tags, references)
    assert {name.split("_")[1] for name in of_level} == {"glcm", "glrlm", "glszm", "gldm", "ngtdm"}
    values = image[mask].astype(float)
    kept = resegmented(values, settings)
    inside = np.zeros_like(mask)
    inside[mask] = kept
    region = Region.of(inside, grey_levels(values[kept], settings) + 2, force_2d=False)
    kinds = {
        "glcm": co_occurrences, "glrlm": run_lengths, "glszm": size_zones, "gldm": dependences,
        "ngtdm": tone_differences,
    }  # fmt: skip
    for kind, features in kinds.items():
        shifted = {f"original_{kind}_{name}": value for name, value in features(region).items()}
        assert departing(shifted, {name: tags[name] for name in shifted if name in tags}, references) == set()
