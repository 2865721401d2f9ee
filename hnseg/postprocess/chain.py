"""A chain of named steps between a network's probabilities and the mask that a user gets."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor

import hnseg.postprocess
from hnseg.labels import LabelSet
from hnseg.postprocess.steps import Scene, cleans, needs_clicks, refines
from hnseg.types import Clicks, Volume

OWN = "hnseg.postprocess"


class Postprocess:
    """Steps in their order: first those that refine probabilities, then those that clean the label map.

    Args:
        steps: name to step; a step is a dataclass with either ``refine`` or ``clean``, see
            :mod:`hnseg.postprocess.steps`. None at all is a chain that changes nothing.

    Raises:
        ValueError: something that is no step, or a refining step behind a cleaning one.
    """

    def __init__(self, steps: Mapping[str, Any] | None = None) -> None:
        self.steps: dict[str, Any] = {str(name): step for name, step in (steps or {}).items()}
        first_cleaning = ""
        for name, step in self.steps.items():
            if isinstance(step, type) or not dataclasses.is_dataclass(step) or refines(step) == cleans(step):
                raise ValueError(f"postprocess: {name} is a {type(step).__name__}, which is no step; {_choices()}")
            if cleans(step):
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
        return any(refines(step) for step in self.steps.values())

    @property
    def cleans(self) -> bool:
        return any(cleans(step) for step in self.steps.values())

    @property
    def needs_clicks(self) -> bool:
        """Whether a step does nothing for those who were not asked for clicks."""
        return any(needs_clicks(step) for step in self.steps.values())

    def __bool__(self) -> bool:
        return bool(self.steps)

    def refine(self, probabilities: Tensor, scene: Scene, labels: LabelSet) -> Tensor:
        """Probabilities (channels, Z, Y, X) after every refining step; the same tensor where there is none.

        Raises:
            ValueError: a step cannot work with these images.
        """
        assert probabilities.shape == (labels.channels, *scene.image.shape[1:]), f"{tuple(probabilities.shape)}"
        for step in self.steps.values():
            if refines(step):
                probabilities = step.refine(probabilities, scene, labels)
        return probabilities

    def clean(self, mask: Volume, labels: LabelSet, clicks: Clicks | None = None) -> Volume:
        """A uint8 label map after every cleaning step; the same volume where there is none.

        Args:
            mask: on the patient's own grid.
            labels: what its values are.
            clicks: in voxels of the mask. None: nobody was asked for any, which is not the same as having made none.

        Raises:
            ValueError: a step names a structure that ``labels`` does not have.
        """
        array = mask.array
        axial = int(np.argmax(np.abs(mask.grid.direction[2])))
        for step in self.steps.values():
            if needs_clicks(step):
                array = step.clean(array, mask.spacing_mm, labels, clicks, axial)
            elif cleans(step):
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
    return {
        f"{OWN}.{name}": step
        for name, step in named.items()
        if isinstance(step, type) and refines(step) != cleans(step)
    }


def _choices() -> str:
    return f"there are {', '.join(_own_steps())}"


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    return [_plain(entry) for entry in value] if isinstance(value, (list, tuple)) else value
