"""A user's own cases, named in a CSV."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hnseg.data.base import CaseDataModule
from hnseg.io import write_rows
from hnseg.phantom import write_hecktor
from hnseg.prepare import Findings, hecktor, table


class TableDataModule(CaseDataModule):
    """Own PET/CT or CT through a CSV with a row a patient; see docs/datasets/table.md.

    Args:
        csv: the table; paths in it are relative to it.
        images: modality to the column that holds its file.
        aliases: other spellings of a structure (mask columns) to its name.
        label_column: column of one label map for all structures.
        label_values: structure to its value in that label map.
        root: where a phantom is written, if one is asked for.
        phantom: settings of :func:`hnseg.phantom.write_hecktor`, to have a phantom and a table of it, not ``csv``.
    """

    def __init__(
        self,
        *,
        csv: str | None,
        images: Mapping[str, str],
        aliases: Mapping[str, str] | None = None,
        label_column: str = "label",
        label_values: Mapping[str, int] | None = None,
        root: str | None = None,
        phantom: Mapping[str, Any] | None = None,
        **shared: Any,
    ) -> None:
        super().__init__(**shared)
        self.csv = csv
        self.images, self.aliases = dict(images), dict(aliases or {})
        self.label_column, self.label_values = label_column, dict(label_values) if label_values else None
        self.root, self.phantom = root, phantom

    def find_studies(self, progress: bool = True) -> Findings:
        if not self.csv and not self.phantom:
            raise ValueError("data=table needs data.csv=FILE, a row a patient (columns: docs/datasets/table.md)")
        csv = self._phantom_table(progress) if self.phantom else Path(str(self.csv)).expanduser()
        return table.find_studies(
            csv,
            self.images,
            self.labels.names,
            aliases=self.aliases,
            label_column=self.label_column,
            label_values=self.label_values,
        )

    def _phantom_table(self, progress: bool) -> Path:
        """A phantom's studies as a user would list them."""
        assert self.root, "a phantom needs a folder"
        root = Path(self.root)
        write_hecktor(root, year=2020, workers=self.prepare_workers, progress=progress, **(self.phantom or {}))
        rows = [
            {
                "case": study.case_id,
                "centre": study.centre,
                **{column: str(study.images[name]) for name, column in self.images.items()},
                **{name: str(path) for name, (path, _) in study.masks.items()},
            }
            for study in hecktor.find_studies(root, 2020).studies
        ]
        csv = root / "cases.csv"
        write_rows(csv, rows)
        return csv
