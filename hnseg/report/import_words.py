"""What the page of an import says: in one line, in numbers, what to do, and why things were left out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hnseg.report.words import Sentence, duration, listing, patients

Entry = Mapping[str, Any]

TOLD = 6
"""Different messages of one reason that are told in full."""


@dataclass(frozen=True)
class LeftOut:
    """Everything that was left out for one reason.

    Attributes:
        reason: in words.
        what: how many of which kind.
        messages: sentence to how often it was said and of whom.
        more: further sentences that are not told.
        tokens: names of files and objects, for the private table that tells which they are.
    """

    reason: str
    what: str
    messages: Mapping[str, str]
    more: int
    tokens: tuple[str, ...]


def import_status(record: Mapping[str, Any]) -> Sentence:
    """Whether anything came out, and whether all of it."""
    cases, left = record["cases"], record["skipped"]
    if not cases:
        return Sentence("no case came out", warning=True)
    text = f"{count(len(cases), 'case')} of {patients(len({entry['patient'] for entry in cases}))}"
    return Sentence(text + (f", {len(left)} left out" if left else ", nothing left out"), warning=bool(failed(record)))


def failed(record: Mapping[str, Any]) -> list[str]:
    """Patients or cases of whom something was found and nothing came out."""
    out = {name for entry in record["cases"] for name in (entry["case"], entry["patient"])}
    return sorted({one["case"] for one in record["skipped"] if one["case"]} - out)


def import_cards(record: Mapping[str, Any]) -> list[dict[str, str]]:
    """The numbers at the top."""
    cases, left = record["cases"], record["skipped"]
    drawn = [one["name"] for entry in cases for one in entry["structures"]]
    nameless = len({one["original"] for entry in cases for one in entry["unknown"]})
    images = [f"{sum(bool(entry[name]) for entry in cases)} with {name.upper()}" for name in ("ct", "pt")]
    return [
        {
            "name": "Cases",
            "value": str(len(cases)),
            "note": f"{patients(len({entry['patient'] for entry in cases}))}; {', '.join(images).replace('PT', 'PET')}",
        },
        {
            "name": "Structures",
            "value": str(len(drawn)),
            "note": f"{len(set(drawn))} different; {count(nameless, 'name')} that hnseg does not know",
        },
        {
            "name": "Left out",
            "value": str(len(left)),
            "note": kinds(left) or "nothing",
        },
        {
            "name": "Files",
            "value": f"{record['files']:,}",
            "note": f"read in {duration(record['seconds'])}",
        },
    ]


def import_sentences(record: Mapping[str, Any]) -> list[Sentence]:
    """What a reader should look at before training on this."""
    cases = record["cases"]
    sentences = []
    if nothing := failed(record):
        sentences.append(Sentence(f"No case came out of {patients(len(nothing))}: {listing(nothing)}.", warning=True))
    for name, missing in (("CT", "ct"), ("PET", "pt")):
        without = [entry["case"] for entry in cases if not entry[missing]]
        if without and len(without) < len(cases):
            sentences.append(Sentence(f"{count(len(without), 'case')} without {name}: {listing(without)}."))
    bare = [entry["case"] for entry in cases if not entry["structures"]]
    if bare:
        text = f"{count(len(bare), 'case')} without any structure that hnseg knows: {listing(bare)}."
        sentences.append(Sentence(text, warning=len(bare) == len(cases)))
    tilted = [entry["case"] for entry in cases if entry["ct"] and abs(entry["ct"]["tilt_deg"]) > 0.05]
    if tilted:
        sentences.append(Sentence(f"The gantry was tilted, and the images were straightened: {listing(tilted)}."))
    return sentences


def case_notes(entry: Entry) -> list[str]:
    """Everything that was found and mended in a case, once each."""
    notes = list(entry["notes"])
    notes += [f"{name}: {note}" for name, image in _images(entry) for note in image["notes"]]
    notes += [f"{one['name']}: {note}" for one in entry["structures"] for note in one["notes"]]
    return list(dict.fromkeys(notes))


def left_out(skipped: Sequence[Entry]) -> list[LeftOut]:
    """By reason, the most frequent first; each message is a remedy as well."""
    groups: dict[str, list[Entry]] = defaultdict(list)
    for one in skipped:
        groups[one["reason"]].append(one)
    return [
        _of_reason(reason, ones) for reason, ones in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    ]


def count(number: int, noun: str) -> str:
    """``1 file``, ``3 files``, ``2 series``."""
    return f"{number} {noun}" if number == 1 or noun.endswith("series") else f"{number} {noun}s"


def kinds(ones: Sequence[Entry]) -> str:
    """How many series, files, objects; with the modality where DICOM names one."""
    counted = Counter(" ".join(filter(None, (one["modality"], one["kind"]))) for one in ones)
    return ", ".join(count(number, kind) for kind, number in counted.most_common())


def _of_reason(reason: str, ones: Sequence[Entry]) -> LeftOut:
    by_message: dict[str, list[Entry]] = defaultdict(list)
    for one in ones:
        by_message[one["message"]].append(one)
    told = sorted(by_message.items(), key=lambda item: -len(item[1]))
    files = sum(one["files"] for one in ones)
    what = kinds(ones) + (f"; {count(files, 'file')}" if files > len(ones) else "")
    tokens = dict.fromkeys(one["token"] for one in ones if one["kind"] != "structure")
    return LeftOut(
        reason.replace("_", " "),
        what,
        {_sentence(message): _whose(of) for message, of in told[:TOLD]},
        max(0, len(told) - TOLD),
        tuple(tokens),
    )


def _sentence(message: str) -> str:
    text = message if message.startswith("hnseg") else message[:1].upper() + message[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _whose(ones: Sequence[Entry]) -> str:
    times = f"{len(ones)} ×" if len(ones) > 1 else ""
    cases = sorted({one["case"] for one in ones if one["case"]})
    return "; ".join(filter(None, (times, listing(cases, 8))))


def _images(entry: Entry) -> list[tuple[str, Mapping[str, Any]]]:
    return [(name, entry[key]) for name, key in (("CT", "ct"), ("PET", "pt")) if entry[key]]
