"""The recipe: everything that decides how a raw study becomes a prepared case, as plain data with a hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from hnseg.prepare.file_identity import file_identity
from hnseg.types import Study

Variant = Literal["paper", "code"]

FORMAT = 1
"""Raised when the same recipe and files would give another case, so that old caches are not mistaken for new ones."""

FILL: dict[str, float] = {"ct": -1024.0, "pt": 0.0}
"""What lies outside an image, by modality: air in HU, no uptake in SUV; 0 for any other modality."""

REGIONS = ("published", "brain", "body", "head_neck", "jain2020", "rainio2024", "image")
"""See `Recipe.regions`; the default is that of PET/CT."""


class RegionNotFoundError(ValueError):
    """A patient's images do not show what a region of the recipe needs, so that the next one is tried."""


@dataclass(frozen=True)
class Recipe:
    """How studies are prepared.

    Attributes:
        modalities: channel order; each is a key of ``Study.images``.
        label_names: structures of the label map; ``label_names[i]`` has the value ``i + 1``.
        spacing_mm: voxel size of a prepared case, (z, y, x).
        regions: where to look for the part of the patient that is kept, tried in order: ``published`` (a box CSV),
            ``brain`` (the organisers' rule on the PET), ``body`` (``box_size_mm`` around head and neck in the CT),
            ``head_neck`` (head and neck in the CT, as large as they are, without the chest), ``jain2020`` (a fixed
            crop in voxels, at the image's own spacing: ``spacing_mm`` plays no part), ``rainio2024`` (all axial
            slices, each brought to ``slice_size_yx``; neither ``spacing_mm`` nor ``box_size_mm`` plays a part, and no
            other region can stand beside it), ``image`` (all of it).
        box_size_mm: size (z, y, x) of the kept part. Published boxes are quantised to voxels (140.6 mm and such); they
            are brought to this size around their centre, so that every case has the same shape. None keeps them as
            they are, and then ``brain`` and ``body`` cannot be used. Of ``body`` the height may be None: all slices.
        variant: ``paper`` resamples the whole image straight into the box; ``code`` repeats the authors'
            crop-then-resample with its zero-filled borders. With the region ``rainio2024`` images are the same, and
            it is the rule for masks that differs (`hnseg.prepare.slice_masks`).
        allow_empty: whether an annotated structure without a voxel is a legal answer (a patient without nodes, say)
            or an error.
        slice_size_yx: pixels of a slice, (y, x), of the region ``rainio2024``; with any other region it plays no part
            and becomes None.
    """

    modalities: tuple[str, ...] = ("ct", "pt")
    label_names: tuple[str, ...] = ("GTVt",)
    spacing_mm: tuple[float, float, float] = (1.0, 1.0, 1.0)
    regions: tuple[str, ...] = ("published", "brain", "image")
    box_size_mm: tuple[float | None, float, float] | None = (144.0, 144.0, 144.0)
    variant: Variant = "paper"
    allow_empty: bool = False
    slice_size_yx: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "modalities", tuple(self.modalities))
        object.__setattr__(self, "label_names", tuple(self.label_names))
        object.__setattr__(self, "spacing_mm", _three_positive("spacing_mm", self.spacing_mm))
        object.__setattr__(self, "regions", (self.regions,) if isinstance(self.regions, str) else tuple(self.regions))
        if self.box_size_mm is not None:
            object.__setattr__(self, "box_size_mm", _box_size(self.box_size_mm))
        if self.slice_size_yx is not None:
            used = "rainio2024" in self.regions
            object.__setattr__(self, "slice_size_yx", _slice_size(self.slice_size_yx) if used else None)
        self._refuse_nonsense()

    def _refuse_nonsense(self) -> None:
        for field in ("modalities", "label_names"):
            names = getattr(self, field)
            if not names or len(set(names)) != len(names):
                raise ValueError(f"recipe: {field} needs different names, at least one; got {list(names)}")
        unknown = sorted(set(self.regions) - set(REGIONS))
        if unknown or not self.regions:
            raise ValueError(f"recipe: regions {list(self.regions)} are not known; choose among {list(REGIONS)}")
        if self.variant not in ("paper", "code"):
            raise ValueError(f"recipe: variant {self.variant!r} is not known; use paper or code")
        if "rainio2024" in self.regions:
            self._refuse_bad_slices()
        else:
            self._refuse_bad_box()

    def _refuse_bad_slices(self) -> None:
        if len(self.regions) > 1:
            raise ValueError(
                f"recipe: the region 'rainio2024' takes every image, so it stands alone; got {list(self.regions)}"
            )
        if self.slice_size_yx is None:
            raise ValueError("recipe: the region 'rainio2024' needs a slice_size_yx, for example [128, 128]")

    def _refuse_bad_box(self) -> None:
        if self.variant == "code" and "jain2020" in self.regions:
            raise ValueError("recipe: variant 'code' resamples, the region 'jain2020' must not be; use variant 'paper'")
        if self.box_size_mm is None and "body" in self.regions:
            raise ValueError("recipe: the region 'body' needs a box_size_mm, for example [null, 280, 280]")
        if self.full_box_mm is None and ("brain" in self.regions or self.variant == "code"):
            raise ValueError(
                "recipe: the region 'brain' and variant 'code' need a box_size_mm, for example [144, 144, 144]"
            )
        if self.box_size_mm is not None and self.box_size_mm[0] is None and "published" in self.regions:
            raise ValueError(
                f"recipe: box_size_mm {list(self.box_size_mm)} has no height, which the region 'published' needs; "
                "give three numbers, or null to keep published boxes as they are"
            )

    @property
    def box_shape_zyx(self) -> tuple[int, int, int] | None:
        """Voxels of a box of ``box_size_mm``; None where the size, or the height, follows the patient."""
        if self.full_box_mm is None:
            return None
        z, y, x = (max(1, round(size / step)) for size, step in zip(self.full_box_mm, self.spacing_mm, strict=True))
        return z, y, x

    @property
    def full_box_mm(self) -> tuple[float, float, float] | None:
        """``box_size_mm`` where it has all three numbers and plays a part."""
        if self.box_size_mm is None or self.box_size_mm[0] is None or self.slice_size_yx is not None:
            return None
        return self.box_size_mm[0], self.box_size_mm[1], self.box_size_mm[2]

    def to_dict(self) -> dict[str, Any]:
        """Plain lists and strings, ready for JSON and for a checkpoint."""
        plain = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}
        if plain["slice_size_yx"] is None:  # so that recipes of before there was one keep their hash
            del plain["slice_size_yx"]
        return plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Recipe:
        """The recipe that `to_dict` wrote.

        Raises:
            ValueError: a key is not one of a recipe's.
        """
        unknown = sorted(set(plain) - {field.name for field in fields(cls)})
        if unknown:
            raise ValueError(
                f"recipe: unknown keys {unknown}; this hnseg knows {[field.name for field in fields(cls)]}"
            )
        return cls(**plain)

    def hash(self) -> str:
        """16 hex digits that name this recipe and the cache format."""
        return _sha256({"format": FORMAT, **self.to_dict()})[:16]

    def key(self, study: Study) -> str:
        """64 hex digits that change when the recipe, the study's files or what is known about it change.

        See `file_identity` for what counts as a change of a file. Where the files lie does not enter.

        Raises:
            FileNotFoundError: a file of the study is not there.
        """
        masks = {
            name: [file_identity(path), value]
            for name, (path, value) in study.masks.items()
            if name in self.label_names
        }
        images = {name: file_identity(path) for name, path in study.images.items() if name in self.modalities}
        box = [study.box.low_mm, study.box.high_mm] if study.box and "published" in self.regions else None
        about = [study.case_id, study.centre, study.part, study.phantom, *filter(None, [study.patient])]
        return _sha256({"recipe": self.hash(), "images": images, "masks": masks, "box": box, "about": about})

    def cohort_key(self, case_keys: Iterable[str]) -> str:
        """16 hex digits for this recipe and these cases, whatever their order."""
        return _sha256({"recipe": self.hash(), "cases": sorted(case_keys)})[:16]


def _three_positive(name: str, value: Any) -> tuple[float, float, float]:
    given = value if isinstance(value, (list, tuple)) else (value,) * 3
    numbers = tuple(float(v) for v in given if v is not None)
    if len(given) != 3 or len(numbers) != 3 or not all(0 < v < float("inf") for v in numbers):
        raise ValueError(f"recipe: {name} must be one positive number or three (z, y, x) in mm; got {value!r}")
    return numbers  # type: ignore[return-value]


def _box_size(value: Any) -> tuple[float | None, float, float]:
    """As `_three_positive`, the first of three may be None."""
    if isinstance(value, (list, tuple)) and len(value) == 3 and value[0] is None:
        _, y, x = _three_positive("box_size_mm", (1.0, *value[1:]))
        return None, y, x
    return _three_positive("box_size_mm", value)


def _slice_size(value: Any) -> tuple[int, int]:
    given = tuple(value) if isinstance(value, (list, tuple)) else (value,) * 2
    if len(given) != 2 or not all(isinstance(v, int) and v > 0 for v in given):
        raise ValueError(f"recipe: slice_size_yx must be one positive whole number or two (y, x); got {value!r}")
    return given[0], given[1]


def _sha256(plain: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()
