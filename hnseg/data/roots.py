"""Where a data set lies on this machine."""

from __future__ import annotations

import os
from pathlib import Path


def find_root(name: str, given: str | Path | None, data_dir: str | Path) -> Path:
    """The folder of data set ``name``: ``given``, else ``$HNSEG_DATA/<name>``, else ``<data_dir>/<name>``.

    Raises:
        ValueError: none of them is a folder; the sentence says which were looked at. A phantom never stands in.
    """
    places = []
    if given:
        places.append(Path(given).expanduser())
    else:
        if os.environ.get("HNSEG_DATA"):
            places.append(Path(os.environ["HNSEG_DATA"]).expanduser() / name)
        places.append(Path(data_dir) / name)
    for place in places:
        if place.is_dir():
            return place
    looked = " and ".join(str(place) for place in places)
    raise ValueError(
        f"data={name}: no such folder: {looked}; give the folder of the data set with data.root=DIR "
        f"(docs/datasets/{name}.md shows what it should hold)"
    )
