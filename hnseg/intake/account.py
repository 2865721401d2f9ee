"""What an import tells on the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hnseg.io.dicom.wording import counted

MANY = 40
"""Cases told one by one; of more the tables and the report tell."""


def account(record: Mapping[str, Any]) -> str:
    """The lines for what ``import.json`` holds: cases, structures without a name, and what was left out and why."""
    return "\n".join(
        [
            *_head(record),
            *_cases(record["cases"]),
            *_not_found(record["not_found"]),
            *_unknown(record["cases"]),
            *_left_out(record["skipped"]),
        ]
    )


def _head(record: Mapping[str, Any]) -> Iterator[str]:
    counts = record["counts"]
    looked = "looked at" if record["dry_run"] else "read"
    found = ", ".join(_many(counts[noun], noun[:-1]) for noun in ("cases", "patients", "structures"))
    yield (
        f"{_many(record['files'], 'file')} {looked}: {found}; {counts['ct']} with CT, {counts['pt']} with PET"
        + (f"; {counts['kept']} were there" if counts["kept"] else "")
    )
    if record["phantom"]:
        yield "the files are of a PHANTOM"


def _cases(entries: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for entry in entries[:MANY]:
        images = [f"{name.upper()} {_size(entry[name])}" for name in ("ct", "pt") if entry[name]]
        names = [f"; {', '.join(one['name'] for one in entry['structures'])}"] if entry["structures"] else []
        yield "".join([f"  {entry['case']}: {', '.join(images)}", *names])
        notes = [note for name in ("ct", "pt") if entry[name] for note in entry[name]["notes"]]
        notes += [f"{one['name']}: {note}" for one in entry["structures"] for note in one["notes"]]
        yield from (f"    {note}" for note in [*entry["notes"], *notes])
    if len(entries) > MANY:
        yield f"  and {len(entries) - MANY} more: see cases.csv"


def _not_found(names: Sequence[str]) -> Iterator[str]:
    if names:
        yield f"asked for and drawn on nobody: {', '.join(names)}"


def _unknown(entries: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    names = Counter(one["original"] for entry in entries for one in entry["unknown"])
    if names:
        shown = [f"{name!r} ({count})" if count > 1 else repr(name) for name, count in names.most_common(MANY)]
        more = f" and {len(names) - MANY} more, see import.html" if len(names) > MANY else ""
        yield f"structures that hnseg has no name for: {', '.join(shown)}{more}"
        yield "  to take one, add a line to a CSV with the columns name,structure and give it as aliases=FILE"


def _left_out(skipped: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for one in skipped:
        groups.setdefault((one["reason"], one["message"]), []).append(one)
    if groups:
        yield "left out:"
    for (reason, message), ones in sorted(groups.items(), key=lambda item: -len(item[1])):
        kinds = Counter(" ".join(filter(None, (one["modality"], one["kind"]))) for one in ones)
        counted = ", ".join(_many(count, kind) for kind, count in kinds.items())
        cases = sorted({one["case"] for one in ones if one["case"]})
        whose = f" of {', '.join(cases[:3])}{' and others' if len(cases) > 3 else ''}" if cases else ""
        yield f"  {counted}{whose} ({reason}): {message}"


def _size(image: Mapping[str, Any]) -> str:
    shape, spacing = image["shape_zyx"], image["spacing_mm"]
    return f"{' x '.join(map(str, shape))} at {' x '.join(f'{mm:.3g}' for mm in spacing)} mm"


def _many(count: int, noun: str) -> str:
    return counted(count, noun, noun if noun.endswith("series") else f"{noun}s")
