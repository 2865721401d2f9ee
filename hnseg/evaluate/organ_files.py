"""Where a patient's organs lie on disk: one file a structure, as PDDCA has them, or one label map."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from hnseg.geometry.crop import bounding_slices
from hnseg.io import IMAGE_SUFFIXES, read_volume
from hnseg.prepare.organs import wanted
from hnseg.types import Volume

PDDCA_FOLDER = "structures"


@dataclass(frozen=True)
class Naming:
    """What structures are called.

    Attributes:
        label_names: those wanted; value ``i`` of a label map is ``label_names[i - 1]``.
        aliases: further spellings, as :func:`hnseg.prepare.organs.wanted` takes them.
    """

    label_names: tuple[str, ...]
    aliases: Mapping[str, str] = field(default_factory=dict)

    def structure_of(self, word: str) -> str | None:
        """The wanted structure that a file's name stands for, whatever its spelling; None for all others."""
        return wanted(word, self.label_names, self.aliases)


@dataclass(frozen=True, eq=False)
class OrganMasks:
    """One patient's masks, each read when it is asked for; structures may overlap.

    Attributes:
        place: a folder with a file a structure, or a label map.
        naming: what the files, or the values, stand for.
    """

    place: Path
    naming: Naming

    @cached_property
    def files(self) -> dict[str, Path]:
        """Structure to its file; empty for a label map.

        Raises:
            ValueError: two files are one structure.
        """
        found: dict[str, Path] = {}
        for path in sorted(self.place.iterdir()) if self.place.is_dir() else ():
            stem = _stem(path)
            name = self.naming.structure_of(stem) if stem else None
            if name is None:
                continue
            if name in found:
                raise ValueError(f"{found[name]} and {path} are both {name}; leave one of them in {self.place}")
            found[name] = path
        return found

    @cached_property
    def _label_map(self) -> Volume:
        volume = read_volume(self.place)
        n_labels, high, low = len(self.naming.label_names), volume.array.max(initial=0), volume.array.min(initial=0)
        if not (low >= 0 and high <= n_labels and (volume.array == np.rint(volume.array)).all()):
            raise ValueError(
                f"{self.place} has values from {low:g} to {high:g}, expected the whole numbers 0 to {n_labels} for "
                f"{', '.join(self.naming.label_names)}; give label_names in the order of the values"
            )
        return volume

    def has(self, structure: str) -> bool:
        """Whether somebody, or a network, looked for it: a label map is always of all structures."""
        return not self.place.is_dir() or structure in self.files

    def mask(self, structure: str) -> Volume:
        """The bool mask of a structure that is there.

        Raises:
            ValueError: it cannot be read, or a label map is where one structure should be.
        """
        if self.place.is_dir():
            return _read_mask(self.files[structure])
        value = 1 + self.naming.label_names.index(structure)
        return Volume(self._label_map.array == value, self._label_map.grid)


def find_organs(root: Path, naming: Naming, folders: Sequence[str]) -> dict[str, OrganMasks]:
    """Patient to masks, for the patients of ``root`` who have one of the folders.

    Args:
        root: a folder a patient, or a folder a source or part of a download, with a folder a patient in each.
        naming: what structures are called.
        folders: inside a patient's folder, such as ``structures``; the first that a patient has counts. ``.`` is the
            patient's folder itself, where a file in it is one of the structures.

    Raises:
        ValueError: ``root`` is not a folder, or two patients in it have one name.
    """
    _refuse_no_folder(root)
    found: dict[str, OrganMasks] = {}
    for patient in _patients(root, folders):
        masks = (OrganMasks(patient / name, naming) for name in folders if (patient / name).is_dir())
        first = next((m for m in masks if m.place != patient or _any_structure(m)), None)
        if first is not None and patient.name in found:
            raise ValueError(f"{patient} and {found[patient.name].place.parent} are of one name; evaluate them apart")
        if first is not None:
            found[patient.name] = first
    return found


def _patients(root: Path, folders: Sequence[str]) -> Iterator[Path]:
    for entry in _subfolders(root):
        if "." in folders or any((entry / name).is_dir() for name in folders):
            yield entry
        else:
            yield from _subfolders(entry)


def _subfolders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def find_predicted_organs(root: Path, naming: Naming, folders: Sequence[str]) -> dict[str, OrganMasks]:
    """The same for predictions; without ``folders`` a patient's label map counts, else a file a structure.

    A label map is ``CASE.nii.gz`` (or another format), in ``root`` or in a folder named ``CASE``; files of single
    structures lie in ``CASE`` or ``CASE/structures``.

    Raises:
        ValueError: ``root`` is not a folder.
    """
    if folders:
        return find_organs(root, naming, folders)
    found = find_organs(root, naming, (".", PDDCA_FOLDER))
    for path in sorted([*root.glob("*/*"), *root.glob("*")]):  # one beside the folders comes last, and counts
        stem = _stem(path)
        if stem and path.parent in (root, root / stem):
            found[stem] = OrganMasks(path, naming)
    return found


def _any_structure(masks: OrganMasks) -> bool:
    stems = (_stem(path) for path in masks.place.iterdir())
    return any(stem and masks.naming.structure_of(stem) for stem in stems)


def _read_mask(path: Path) -> Volume:
    """A file with one structure: every voxel above 0.5, in any number type."""
    volume = read_volume(path)
    mask = np.zeros(volume.grid.shape_zyx, bool)
    inside = bounding_slices(volume.array)
    if inside is not None:
        part = volume.array[inside]
        if part.dtype.kind in "iu" and np.any((part != 0) & (part != part.max())):
            raise ValueError(
                f"{path} has the values {np.unique(part)[:5].tolist()}, expected 0 and one other, the mask of one "
                "structure; a label map of several goes by the name of its case"
            )
        mask[inside] = part > 0.5
    return Volume(mask, volume.grid)


def _stem(path: Path) -> str | None:
    suffix = next((s for s in IMAGE_SUFFIXES if path.name.lower().endswith(s)), None)
    if suffix in (None, ".img") or path.name.startswith(".") or not path.is_file():
        return None
    return path.name[: -len(suffix)]


def _refuse_no_folder(root: Path) -> None:
    if not root.is_dir():
        raise ValueError(f"{root} is not a folder; give the folder that holds a folder a patient")
