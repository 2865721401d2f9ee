import dataclasses
import json
import shutil

import pytest

from hnseg.prepare.recipe import Recipe
from hnseg.types import BoxMm


def test_dict_round_trip_through_json():
    recipe = Recipe(
        label_names=("GTVp", "GTVn"), spacing_mm=(3, 1.0, 1.0), box_size_mm=None, regions=("published", "image")
    )
    assert Recipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe


def test_lists_from_a_configuration_hash_as_tuples_do():
    assert Recipe(modalities=["ct", "pt"], spacing_mm=[1, 1, 1]).hash() == Recipe().hash()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change",
    [
        {"spacing_mm": 2.0},
        {"modalities": ("pt",)},
        {"variant": "code"},
        {"allow_empty": True},
        {"regions": ("image",)},
        {"box_size_mm": 96.0},
        {"box_size_mm": (None, 144.0, 144.0), "regions": ("body",)},
        {"regions": ("rainio2024",), "slice_size_yx": (128, 128)},
    ],
)
def test_every_field_changes_the_hash(change):
    assert Recipe(**change).hash() != Recipe().hash()


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"regions": ("box",)}, "regions"),
        ({"regions": ()}, "regions"),
        ({"variant": "both"}, "variant"),
        ({"spacing_mm": (1, 0, 1)}, "spacing_mm"),
        ({"modalities": ("ct", "ct")}, "modalities"),
        ({"label_names": ()}, "label_names"),
        ({"box_size_mm": None}, "box_size_mm"),
        ({"box_size_mm": None, "regions": ("body",)}, "region 'body' needs a box_size_mm"),
        ({"box_size_mm": (None, 144, 144), "regions": ("brain",)}, "region 'brain'"),
        ({"box_size_mm": (None, 144, 144), "regions": ("published",)}, "no height"),
        ({"box_size_mm": (144, None, 144), "regions": ("body",)}, "box_size_mm"),
        ({"box_size_mm": (None, None, 144), "regions": ("body",)}, "box_size_mm"),
        ({"regions": ("jain2020",), "variant": "code"}, "jain2020"),
        ({"regions": ("rainio2024",)}, r"'rainio2024' needs a slice_size_yx"),
        ({"regions": ("rainio2024", "image"), "slice_size_yx": 128}, "stands alone"),
        ({"regions": ("rainio2024",), "slice_size_yx": (128, 0)}, "slice_size_yx must be"),
        ({"regions": ("rainio2024",), "slice_size_yx": (128, 128, 128)}, "slice_size_yx must be"),
        ({"regions": ("rainio2024",), "slice_size_yx": 128.5}, "slice_size_yx must be"),
    ],
)
def test_nonsense_is_refused_by_name(change, word):
    with pytest.raises(ValueError, match=word):
        Recipe(**change)


def test_box_without_a_height_has_no_shape_and_survives_json():
    recipe = Recipe(modalities=("ct",), regions=("body", "image"), box_size_mm=[None, 280, 280])  # type: ignore[arg-type]
    assert recipe.box_size_mm == (None, 280.0, 280.0)
    assert recipe.box_shape_zyx is recipe.full_box_mm is None
    assert Recipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe
    assert Recipe().box_shape_zyx == (144, 144, 144)


def test_recipes_of_before_there_were_slices_keep_their_hash():
    assert Recipe().hash() == "75885ac2e79ed3f0"
    assert "slice_size_yx" not in Recipe().to_dict()
    assert Recipe(slice_size_yx=(128, 128)) == Recipe()


def test_slices_survive_json_and_differ_by_their_size():
    recipe = Recipe(modalities=("pt",), regions="rainio2024", slice_size_yx=[128, 96], variant="code", box_size_mm=None)  # type: ignore[arg-type]
    assert Recipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe
    other = dataclasses.replace(recipe, slice_size_yx=(128, 128))
    assert dataclasses.replace(recipe, slice_size_yx=128) == other  # type: ignore[arg-type]
    assert other.hash() != recipe.hash()


def test_no_box_has_a_part_in_slices():
    recipe = Recipe(regions=("rainio2024",), slice_size_yx=(128, 128), variant="code")
    assert recipe.box_shape_zyx is recipe.full_box_mm is None


def test_unknown_key_is_refused():
    with pytest.raises(ValueError, match="spaceing"):
        Recipe.from_dict({"spaceing": 1})


def test_key_ignores_where_the_files_lie(study, tmp_path):
    recipe = Recipe()
    before = recipe.key(study)
    moved = tmp_path / "elsewhere"
    shutil.copytree(tmp_path / "raw", moved)
    images = {name: moved / path.name for name, path in study.images.items()}
    masks = {name: (moved / path.name, value) for name, (path, value) in study.masks.items()}
    assert recipe.key(dataclasses.replace(study, images=images, masks=masks)) == before


def test_key_follows_files_mask_value_and_box(study):
    recipe = Recipe()
    before = recipe.key(study)
    box = BoxMm((0, 0, 0), (144, 144, 144))
    assert recipe.key(dataclasses.replace(study, box=box)) != before
    assert Recipe(regions=("brain",)).key(dataclasses.replace(study, box=box)) == Recipe(regions=("brain",)).key(study)
    mask = study.masks["GTVt"][0]
    assert recipe.key(dataclasses.replace(study, masks={"GTVt": (mask, 2)})) != before
    study.images["pt"].write_bytes(study.images["ct"].read_bytes())
    assert recipe.key(study) != before
