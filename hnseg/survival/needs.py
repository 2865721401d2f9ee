"""What is kept with a saved model so that the features of new patients are computed as those it was fitted with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hnseg.prepare import Recipe
from hnseg.radiomics import Settings
from hnseg.survival.objects import CLINICAL, CT, DEEP, PT, FeatureSet

IMAGES = "images"


def refuse_needs(needs: Mapping[str, Any], feature_set: FeatureSet) -> None:
    """Stop where the features of some block cannot be computed by what is kept.

    Args:
        needs: plain data. ``clinical``: the name of its ``mapping``. ``ct``, ``pt``: radiomic settings. ``deep``: the
            network, empty where it is not known. ``images``, of which all three are made: the ``recipe`` by which
            patients are prepared, and the ``structures`` that make up the mask, None for all.
        feature_set: whose blocks count.

    Raises:
        ValueError: so it is.
    """
    blocks = feature_set.blocks
    if CLINICAL in blocks and not isinstance(_part(needs, CLINICAL).get("mapping"), str):
        raise ValueError("needs: 'clinical' must say which 'mapping' reads the table")
    for block in (CT, PT):
        if block in blocks:
            Settings.from_dict(_part(needs, block))
    if DEEP in blocks and (network := _part(needs, DEEP)):
        from hnseg.survival.deep_features import Network  # imports torch, which no other block needs

        Network.from_plain(network)
    if set(blocks) - {CLINICAL}:
        _refuse_images(_part(needs, IMAGES))


def _part(needs: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = needs.get(name)
    if not isinstance(part, Mapping):
        raise ValueError(f"needs: {name!r} is missing or no mapping, so that features of new patients are not known")
    return part


def _refuse_images(images: Mapping[str, Any]) -> None:
    recipe, structures = images.get("recipe"), images.get("structures")
    if not isinstance(recipe, Mapping):
        raise ValueError("needs: 'images' must have the 'recipe' by which patients are prepared")
    if structures is not None and not (isinstance(structures, list) and all(isinstance(s, str) for s in structures)):
        raise ValueError(
            f"needs: 'images' has the structures {structures!r}; expected a list of names, or null for all"
        )
    try:
        Recipe.from_dict(recipe)
    except (TypeError, AttributeError) as error:  # of values of other types than a recipe has
        raise ValueError(f"needs: 'images' has a recipe with a value of a wrong type ({error})") from error
