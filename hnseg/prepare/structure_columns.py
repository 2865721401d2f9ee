"""Which cells of a user's table hold the masks of a structure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from hnseg.prepare.masks import ANY_VALUE
from hnseg.prepare.organs import wanted


class StructureColumns:
    """Which column, or which value of the label map, holds each structure.

    Args:
        csv: the table, for messages.
        present: its columns.
        label_names: structures wanted.
        aliases: other spellings to structure names.
    """

    def __init__(self, csv: Path, present: set[str], label_names: Sequence[str], aliases: Mapping[str, str]) -> None:
        self.csv, self.label_names, self.aliases, self.present = csv, label_names, aliases, present
        self.columns: dict[str, list[str]] = {name: [] for name in label_names}
        for column in sorted(present):
            name = wanted(column, label_names, aliases)
            if name is not None:
                self.columns[name].append(column)
        self.label_column: str | None = None
        self.values: dict[str, int] = {}

    def use_label_map(self, column: str, values: Mapping[str, int] | None) -> None:
        """``values`` may name more structures than are wanted: they are in the label map all the same."""
        if column in self.present:
            self.label_column = column
            given = values or {name: index for index, name in enumerate(self.label_names, start=1)}
            self.values = {self._meant(name): value for name, value in given.items()}

    def refuse_missing(self, label_column: str, partial: bool) -> None:
        """Raises ValueError where a structure has no column; with ``partial`` only where none has."""
        missing = [name for name, columns in self.columns.items() if not columns]
        if self.label_column is not None or not missing or (partial and len(missing) < len(self.columns)):
            return
        spellings = [missing[0], *(other for other, structure in self.aliases.items() if structure == missing[0])]
        raise ValueError(
            f"{self.csv} has no mask column for {missing[0]} (looked for {spellings}) and no label map column "
            f"{label_column!r}; add one or name it among the aliases; see docs/datasets/table.md"
        )

    def masks(self, row: Mapping[str, str], number: int, not_annotated: str) -> dict[str, tuple[Path, int]]:
        """Structure to (file, value) for what this row has."""
        unseen = self._unseen(number, not_annotated)
        masks = {}
        for name in dict.fromkeys((*self.columns, *self.values)):
            filled = [column for column in self.columns.get(name, ()) if row.get(column, "").strip()]
            if len(filled) > 1:
                raise ValueError(f"{self.csv} line {number}: {filled} all name a mask for {name}; leave one of them")
            if filled and name in unseen:
                raise ValueError(
                    f"{self.csv} line {number}: {name} has a mask in column {filled[0]!r} and is called not "
                    "annotated; empty one of the two cells"
                )
            if filled:
                masks[name] = (cell_file(self.csv, row, number, filled[0]), ANY_VALUE)
            elif name not in unseen and name in self.values and row.get(self.label_column or "", "").strip():
                masks[name] = (cell_file(self.csv, row, number, str(self.label_column)), self.values[name])
        return masks

    def _unseen(self, number: int, cell: str) -> set[str]:
        """The structures that a row calls not annotated."""
        named = [name.strip() for name in cell.split(";") if name.strip()]
        known = {*self.columns, *self.values}
        unknown = [name for name in named if self._meant(name) not in known]
        if unknown:
            raise ValueError(
                f"{self.csv} line {number}: not annotated are {unknown}, which are none of {sorted(known)}; correct "
                "the names, with ';' between them"
            )
        return {self._meant(name) for name in named}

    def _meant(self, name: str) -> str:
        return wanted(name, self.label_names, self.aliases) or self.aliases.get(name, name)


def cell_file(csv: Path, row: Mapping[str, str], number: int, column: str) -> Path:
    """The file that a cell names.

    Raises:
        ValueError: the cell is empty, or no such file is there.
    """
    cell = (row.get(column) or "").strip()
    if not cell:
        raise ValueError(f"{csv} line {number} has an empty cell in column {column!r}; name the patient's file there")
    path = csv.parent / Path(cell).expanduser()
    if not path.is_file():
        raise ValueError(
            f"{csv} line {number} names {path}, which is not there; correct the path (relative to the table's folder)"
        )
    return path
