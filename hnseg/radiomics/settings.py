"""What radiomic features are extracted with: plain data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@dataclass(frozen=True)
class Settings:
    """How intensities become grey levels, and which voxels and neighbours count.

    Attributes:
        bin_width: width of a grey level in the image's unit; bins start at multiples of it.
        bin_count: or how many grey levels there are between the smallest and the largest value in the mask.
        energy_shift: added to every value for Energy, TotalEnergy and RootMeanSquared (pyradiomics'
            ``voxelArrayShift``); 0 as the IBSI has it.
        force_2d: whether textures look at neighbours within a slice only (pyradiomics' ``force2D``).
        resegment_range: lowest and highest value of voxels that count for everything but shape.
        resegment_sigma: or how many standard deviations around the mean of the mask a voxel may lie; with both, the
            range is applied first and the mean is that of what it leaves, as the IBSI has it.
        ignore_spacing: take voxels for cubes of 1 mm, as whoever passes arrays without a header to pyradiomics does.
    """

    bin_width: float | None = None
    bin_count: int | None = None
    energy_shift: float = 0.0
    force_2d: bool = False
    resegment_range: tuple[float, float] | None = None
    resegment_sigma: float | None = None
    ignore_spacing: bool = False

    def __post_init__(self) -> None:
        """Raises:
        ValueError: not exactly one way to make grey levels, or a value that makes no sense.
        """
        self._refuse_types()
        if (self.bin_width is None) == (self.bin_count is None):
            raise ValueError("radiomics: give either bin_width or bin_count")
        for name in ("bin_width", "bin_count", "resegment_sigma"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise ValueError(f"radiomics: {name} is {value!r}; it must be a number above 0")
        if self.bin_count is not None and int(self.bin_count) != self.bin_count:
            raise ValueError(f"radiomics: bin_count is {self.bin_count!r}; it must be a whole number")
        if self.resegment_range is not None:
            bounds = tuple(float(value) for value in self.resegment_range)
            if len(bounds) != 2 or not bounds[0] < bounds[1]:
                raise ValueError(f"radiomics: resegment_range is {bounds}; it must be a low and a higher value")
            object.__setattr__(self, "resegment_range", bounds)
        if not math.isfinite(self.energy_shift):
            raise ValueError(f"radiomics: energy_shift is {self.energy_shift!r}; it must be a number")

    def _refuse_types(self) -> None:
        """Files may hold anything."""
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(field.default, bool):
                good = isinstance(value, bool)
            elif value is None:
                good = field.default is None
            elif field.name == "resegment_range":
                good = isinstance(value, list | tuple) and all(_is_number(bound) for bound in value)
            else:
                good = _is_number(value)
            if not good:
                raise ValueError(f"radiomics: {field.name} is {value!r}, which is of a wrong type")

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        plain = asdict(self)
        return {**plain, "resegment_range": self.resegment_range and list(self.resegment_range)}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Settings:
        """The settings that :meth:`to_dict` wrote; what is left out has its default.

        Raises:
            ValueError: a key that there is not, or a value that makes no sense.
        """
        known = [field.name for field in fields(cls)]
        if unknown := set(plain) - set(known):
            raise ValueError(f"radiomics: unknown settings {sorted(unknown)}; there are {', '.join(known)}")
        return cls(**plain)


DEFAULTS = {"ct": Settings(bin_width=25.0), "pt": Settings(bin_width=0.25)}
"""25 HU and 0.25 SUV make some 10 to 100 grey levels in a tumour."""
