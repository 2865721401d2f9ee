"""A chain of named steps between a network's probabilities and the mask that a user gets."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeGuard

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

import hnseg.postprocess
from hnseg.labels import LabelSet
from hnseg.types import Volume

OWN = "hnseg.postprocess"


@dataclass(frozen=True, eq=False)
class Scene:
    """What a step may look at beside the network's answer, all on the prepared grid.

    Attributes:
        image: (C, Z, Y, X), not normalised: CT in HU, PET in SUV.
        modalities: what each channel is, ``ct`` or ``pt``.
        spacing_mm: distance between voxel centres, (z, y, x).
    """

    image: Tensor
    modalities: tuple[str, ...]
    spacing_mm: tuple[float, float, float]

    def __post_init__(self) -> None:
        assert self.image.ndim == 4, f"image {tuple(self.image.shape)}, expected (C, Z, Y, X)"
        assert len(self.modalities) == len(self.image), f"{self.modalities} for {len(self.image)} channels"


class RefiningStep(Protocol):
    """Changes probabilities (channels, Z, Y, X), float32, into others of the same shape, with the images in view."""

    def refine(self, probabilities: Tensor, scene: Scene, labels: LabelSet) -> Tensor: ...


class CleaningStep(Protocol):
    """Changes a uint8 label map (Z, Y, X) into another of the same shape."""

    def clean(
        self, mask: NDArray[np.uint8], spacing_mm: tuple[float, float, float], labels: LabelSet
    ) -> NDArray[np.uint8]: ...


def _refines(step: object) -> TypeGuard[RefiningStep]:
    return hasattr(step, "refine")


def _cleans(step: object) -> TypeGuard[CleaningStep]:
    return hasattr(step, "clean")


class Postprocess:
    """Steps in their order: first those that refine probabilities, then those that clean the label map.

    Args:
        steps: name to step; a step is a dataclass with either ``refine`` or ``clean``, see :class:`RefiningStep` and
            :class:`CleaningStep`. None at all is a chain that changes nothing.

    Raises:
        ValueError: something that is no step, or a refining step behind a cleaning one.
    """

    def __init__(self, steps: Mapping[str, Any] | None = None) -> None:
        self.steps: dict[str, Any] = {str(name): step for name, step in (steps or {}).items()}
        first_cleaning = ""
        for name, step in self.steps.items():
            if isinstance(step, type) or not dataclasses.is_dataclass(step) or _refines(step) == _cleans(step):
                raise ValueError(f"postprocess: {name} is a {type(step).__name__}, which is no step; {_choices()}")
            if _cleans(step):
                first_cleaning = first_cleaning or name
            elif first_cleaning:
                raise ValueError(
                    f"postprocess: {name} refines probabilities and stands behind {first_cleaning}, which needs the "
                    f"final mask; write {name} first"
                )

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.steps)

    @property
    def refines(self) -> bool:
        return any(_refines(step) for step in self.steps.values())

    @property
    def cleans(self) -> bool:
        return any(_cleans(step) for step in self.steps.values())

    def __bool__(self) -> bool:
        return bool(self.steps)

    def refine(self, probabilities: Tensor, scene: Scene, labels: LabelSet) -> Tensor:
        """Probabilities (channels, Z, Y, X) after every refining step; the same tensor where there is none.

        Raises:
            ValueError: a step cannot work with these images.
        """
        assert probabilities.shape == (labels.channels, *scene.image.shape[1:]), f"{tuple(probabilities.shape)}"
        for step in self.steps.values():
            if _refines(step):
                probabilities = step.refine(probabilities, scene, labels)
        return probabilities

    def clean(self, mask: Volume, labels: LabelSet) -> Volume:
        """A uint8 label map after every cleaning step; the same volume where there is none.

        Raises:
            ValueError: a step names a structure that ``labels`` does not have.
        """
        array = mask.array
        for step in self.steps.values():
            if _cleans(step):
                array = step.clean(array, mask.spacing_mm, labels)
        return mask if array is mask.array else Volume(array, mask.grid)

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Plain data, ready for a checkpoint and for YAML: name to ``{"_target_": class, **arguments}``."""
        return {
            name: {
                "_target_": f"{OWN}.{type(step).__name__}",
                **{field.name: _plain(getattr(step, field.name)) for field in dataclasses.fields(step)},
            }
            for name, step in self.steps.items()
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any] | None, source: str) -> Postprocess:
        """The chain that :meth:`to_dict` described.

        Only steps of hnseg are built, because a checkpoint is data: see :mod:`hnseg.inference.networks`.

        Args:
            plain: name to ``{"_target_": class, **arguments}``; None and an empty one are the chain without steps.
            source: whose description it is, for messages.

        Raises:
            ValueError: a class that is not on the list, or arguments that it does not take.
        """
        if not isinstance(plain or {}, Mapping):
            raise ValueError(f"{source}: postprocess is {plain!r}, expected names of steps with their settings")
        return cls({name: _build(name, step, source) for name, step in (plain or {}).items()})


def _build(name: str, plain: object, source: str) -> Any:
    target = plain.get("_target_") if isinstance(plain, Mapping) else None
    own = _own_steps()
    if not isinstance(plain, Mapping) or target not in own:
        raise ValueError(f"{source}: postprocess.{name} names {target!r}; nothing was built; {_choices()}")
    arguments = {str(key): value for key, value in plain.items() if key != "_target_"}
    try:
        return own[target](**arguments)
    except (TypeError, ValueError) as error:
        takes = ", ".join(field.name for field in dataclasses.fields(own[target]))
        raise ValueError(f"{source}: postprocess.{name} cannot be built: {error} (it takes {takes})") from error


def _own_steps() -> dict[str, type[Any]]:
    named = {name: getattr(hnseg.postprocess, name) for name in hnseg.postprocess.__all__}
    return {f"{OWN}.{name}": step for name, step in named.items() if _refines(step) != _cleans(step)}


def _choices() -> str:
    return f"there are {', '.join(_own_steps())}"


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    return [_plain(entry) for entry in value] if isinstance(value, (list, tuple)) else value
