"""CT with organs at risk: MICCAI 2015 (PDDCA), folders in its layout, own tables, or several of these at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hnseg.data.base import CaseDataModule
from hnseg.data.roots import find_root
from hnseg.phantom import write_pddca
from hnseg.prepare import Failure, Findings, pddca, table


class OrganDataModule(CaseDataModule):
    """One or several sources of CT with organs, each with the organs that were outlined there.

    A structure that a source lacks is not annotated in its patients, and takes no part in their loss or scores (Zhu et
    al. 2018, doi:10.1002/mp.13300, section 2.4, train on three sources like this). With several sources the name of a
    patient's source is their ``centre`` in every table.

    Args:
        root: a folder in PDDCA's layout, or what ``sources`` are relative to; where not given, see
            :func:`hnseg.data.roots.find_root`.
        sources: folders in PDDCA's layout and tables (CSV, see docs/datasets/table.md); None: ``root`` itself.
        aliases: other spellings of a structure to its name, beside those that hnseg knows.
        data_dir: where data sets lie by default.
        phantom: settings of :func:`hnseg.phantom.write_pddca`, to have a phantom written to ``root`` in this layout.
    """

    def __init__(
        self,
        *,
        root: str | None = None,
        sources: Sequence[str] | None = None,
        aliases: Mapping[str, str] | None = None,
        data_dir: str | Path = "data",
        phantom: Mapping[str, Any] | None = None,
        **shared: Any,
    ) -> None:
        super().__init__(**shared)
        self.root, self.sources, self.data_dir = root, sources, Path(data_dir)
        self.aliases, self.phantom = dict(aliases or {}), phantom

    def find_studies(self, progress: bool = True) -> Findings:
        found = [self._read(source, centre) for source, centre in self._places(progress)]
        studies = [study for findings in found for study in findings.studies]
        problems = [problem for findings in found for problem in findings.problems]
        images: dict[str, list[str]] = {}
        for study in studies:
            images.setdefault(study.case_id, []).append(str(study.images["ct"]))
        for name, files in images.items():
            if len(files) > 1:
                problems.append(Failure(name, f"{' and '.join(files)} are of one name; give every patient their own"))
        return Findings.of([study for study in studies if len(images[study.case_id]) == 1], problems)

    def _places(self, progress: bool) -> list[tuple[Path, str]]:
        """Where the sources lie, and what they are called in the tables; one alone needs no name."""
        if self.phantom is not None:
            root = Path(self.root) if self.root else self.data_dir / self.name
            write_pddca(root, workers=self.prepare_workers, progress=progress, **self.phantom)
            return [(root, "")]
        if not self.sources:
            return [(find_root(self.name, self.root, self.data_dir), "")]
        given = [Path(source).expanduser() for source in self.sources]
        if not all(place.is_absolute() for place in given) and (self.root or not _all_there(given)):
            root = find_root(self.name, self.root, self.data_dir)
            given = [root / place for place in given]
        return [(place, place.stem if place.suffix == ".csv" else place.name) for place in given]

    def _read(self, place: Path, centre: str) -> Findings:
        if place.suffix == ".csv":
            found = table.find_studies(place, {"ct": "ct"}, self.labels.names, aliases=self.aliases, partial=True)
            studies = [replace(study, centre=study.centre or centre) for study in found.studies]
            return Findings.of(studies, found.problems)
        if not place.is_dir():
            raise ValueError(
                f"data.sources: {place} is neither a folder nor a CSV; relative ones are looked for below data.root"
            )
        return pddca.find_studies(place, self.labels.names, self.aliases, centre=centre)


def _all_there(places: Sequence[Path]) -> bool:
    return all(place.exists() for place in places)
