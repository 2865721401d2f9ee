"""The standard anatomy, varied for one patient: all structures in the order in which they are painted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hnseg.phantom import head, neck, torso
from hnseg.phantom.combine import Mirrored
from hnseg.phantom.head import Teeth
from hnseg.phantom.lesions import Lesion
from hnseg.phantom.neck import Uptake
from hnseg.phantom.noise import SmoothNoise
from hnseg.phantom.shapes import Ellipsoid
from hnseg.phantom.structure import Layer, Structure


@dataclass(frozen=True)
class Build:
    """What differs from patient to patient beyond pose and warp.

    Attributes:
        folds: noise that folds the cortex.
        marbling: noise of fat and muscle.
        fat_mm: fat under the skin beyond that of a slim person.
        airway_width, tongue_scale, gland_scale: sizes relative to the standard.
        contrast_hu: enhancement of vessels, 0 without contrast agent.
        grey_suv: uptake of the cortex.
    """

    folds: SmoothNoise
    marbling: SmoothNoise
    fat_mm: float = 0.0
    airway_width: float = 1.0
    tongue_scale: float = 1.0
    gland_scale: float = 1.0
    contrast_hu: float = 0.0
    grey_suv: float = 12.0
    uptake: Uptake = field(default_factory=Uptake)
    teeth: Teeth = field(default_factory=Teeth)


ORGANS: Mapping[str, tuple[str, ...]] = {
    "Brain": ("Brain", "Cerebellum", "DeepNuclei_L", "DeepNuclei_R", "Ventricle_L", "Ventricle_R"),
    "Glottis": ("VocalCord_L", "VocalCord_R"),
    "Thyroid": ("Thyroid_L", "Thyroid_R", "Thyroid_Isthmus"),
    "Bone": ("Skull", "FacialBone", "Mandible", "Teeth", "Vertebrae", "Hyoid", "ShoulderBone"),
    "Air": ("Airway", "Sinuses", "Lung"),
    "Muscle": ("Muscle_L", "Muscle_R"),
    "SpinalCanal": ("SpinalCanal", "SpinalCord"),
    "Larynx": ("Larynx", "VocalCord_L", "VocalCord_R", "Arytenoid_L", "Arytenoid_R", "ThyroidCartilage", "Cricoid"),
}
"""Organs that are painted in several materials; every other organ is the material of its own name."""


def structures(build: Build, lesions: tuple[Lesion, ...]) -> list[Structure]:
    """Everything in a patient, first painted first: soft tissue, airway, lesions, bone, what lies in bone."""
    airway = neck.pharyngeal_airway(build.airway_width)
    skin = torso.outline(build.fat_mm)
    enhanced = 68.0 + 0.15 * build.contrast_hu
    nodes = [lesion.structure(skin, airway, enhanced) for lesion in lesions if lesion.name != "GTVp"]
    primary = [lesion.structure(skin, airway, enhanced) for lesion in lesions if lesion.name == "GTVp"]
    soft = [
        *torso.body(build.fat_mm),
        *torso.shoulder_muscles(),
        neck.deep_neck(),
        *neck.muscles(),
        *neck.glands(build.uptake, build.gland_scale, build.contrast_hu),
        *neck.larynx(build.uptake),
        *neck.mouth(build.uptake, build.tongue_scale),
        *_brown_fat(build.uptake.brown_fat),
        *neck.vessels(build.contrast_hu),
    ]
    bone = [*torso.spine(), *torso.shoulder_bones(), *neck.cartilage(), *head.facial_skeleton()]
    cavities = [*head.brain(build.folds, build.grey_suv), *head.air_spaces(), *head.orbits()]
    varied = [_marbled(structure, build.marbling) for structure in soft]
    return [
        *varied, *neck.upper_airway(build.airway_width), *nodes, *primary, *bone, *cavities, *head.mandible(),
        *head.teeth(build.teeth),
    ]  # fmt: skip


def _marbled(structure: Structure, noise: SmoothNoise) -> Structure:
    """Soft tissue is not even: a few HU and a tenth of the uptake, except in the two outermost layers of the body."""
    if structure.layers[0].name == "Skin":
        return structure
    layers = [Layer(m.name, m.ct_hu, m.pet_suv, m.grow_mm, (noise, 6.0, 0.10), m.folds) for m in structure.layers]
    return Structure(structure.shape, tuple(layers))


def _brown_fat(suv: float) -> list[Structure]:
    """Fat above the collar bones, which some patients burn: bright on PET, nothing on CT."""
    left = Ellipsoid((62, 14, -168), (15, 12, 8))
    return [Structure.of("SupraclavicularFat", shape, -100, suv) for shape in (left, Mirrored(left))]
