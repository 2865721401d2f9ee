"""What patients and files are called in everything that hnseg writes: keyed hashes, or a user's own names."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import os
import secrets
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hnseg.io.dicom.objects import RefusedDicomError
from hnseg.io.tables import numbered_rows
from hnseg.prepare.findings import usable_case_id

CASE_LETTERS, TOKEN_LETTERS = 10, 8
"""Of 5 bits each: among 100 000 patients two share a name once in 200 000 imports."""

KEY_BYTES, LEAST_KEY_BYTES = 32, 16
"""As long as the digest (RFC 2104 section 3 discourages keys that are shorter), and the least that is accepted."""

PARTS = ("", "train", "test")


@dataclass(frozen=True)
class Pseudonyms:
    """Names that do not tell who somebody is to anybody without the key or the mapping.

    Attributes:
        key: at least 16 bytes; the same key gives the same names in every import.
        mapping: patient id to ``case`` and perhaps ``centre`` and ``split``, see `read_mapping`.
    """

    key: bytes = field(repr=False)
    mapping: Mapping[str, Mapping[str, str]] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if len(self.key) < LEAST_KEY_BYTES:
            raise ValueError(f"a key needs at least {LEAST_KEY_BYTES} bytes, this one has {len(self.key)}")

    def case(self, patient_id: str, study_uid: str) -> str:
        """A patient's name: ``P`` and 10 letters or digits, or what the mapping says.

        Args:
            patient_id: Patient ID (0010,0020); spaces around it are padding.
            study_uid: Study Instance UID (0020,000D), which stands in where there is no id: one study, one patient.

        Raises:
            RefusedDicomError: ``not_in_mapping``, or ``no_patient`` where there is neither id nor UID.
        """
        if self.mapping is not None:
            return self._mapped(patient_id)["case"]
        text = patient_id.strip() or study_uid.strip()
        if not text:
            raise RefusedDicomError(
                "no_patient",
                "neither PatientID (0010,0020) nor StudyInstanceUID (0020,000D) says whose it is; export it again with "
                "either",
            )
        return f"P{self._letters(text)[:CASE_LETTERS]}"

    def token(self, text: str) -> str:
        """What stands for a path or UID: ``f-`` and 8 letters or digits; never the beginning of a patient's name."""
        return f"f-{self._letters(f'token {text}')[:TOKEN_LETTERS]}"

    def centre(self, patient_id: str) -> str:
        """Where the mapping says that the patient was scanned; empty where it does not."""
        return self._mapped(patient_id).get("centre", "") if self.mapping is not None else ""

    def part(self, patient_id: str) -> str:
        """``train`` or ``test``, as the mapping says; empty where it does not."""
        return self._mapped(patient_id).get("split", "") if self.mapping is not None else ""

    def _mapped(self, patient_id: str) -> Mapping[str, str]:
        row = (self.mapping or {}).get(patient_id.strip())
        if row is None:
            raise RefusedDicomError(
                "not_in_mapping",
                "PatientID (0010,0020) is not in the mapping; add a line for it (mind that spreadsheets drop zeros at "
                "the beginning of a number)",
            )
        return row

    def _letters(self, text: str) -> str:
        digest = hmac.new(self.key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).digest()
        return base64.b32encode(digest).decode("ascii")


def read_mapping(path: Path) -> dict[str, dict[str, str]]:
    """A user's own names for patients: a CSV ``patient_id,case[,centre,split]``, a line a patient.

    Raises:
        ValueError: no such table; an id or a name that is empty or there twice; a name that can be no folder. Errors
            name the file and the line, and nothing that stands in it.
    """
    path = Path(path)
    _refuse_headless(path)
    mapping: dict[str, dict[str, str]] = {}
    lines: dict[str, int] = {}
    for line, row in numbered_rows(path, ("patient_id", "case")):
        patient_id, case_id, part = row["patient_id"], row["case"], row.get("split", "")
        place = f"{path}, line {line}"
        if not patient_id:
            raise ValueError(f"{place}: expected a patient id, found none; fill it in")
        if not usable_case_id(case_id):
            raise ValueError(f"{place}: the case name can be no folder; use letters, digits, dot, underscore, hyphen")
        if part not in PARTS:
            raise ValueError(f"{place}: split is neither train nor test nor empty")
        if patient_id in mapping:
            raise ValueError(f"{place}: the same patient id was on line {lines[patient_id]}; keep one of them")
        if (
            name := f"case {case_id.casefold()}"
        ) in lines:  # names that differ in capitals are one folder on many disks
            raise ValueError(
                f"{place}: the same case name was on line {lines[name]}; give every patient one of their own"
            )
        lines[patient_id] = lines[name] = line
        mapping[patient_id] = {"case": case_id, "centre": row.get("centre", ""), "split": part}
    return mapping


def load_key(path: Path) -> bytes:
    """The key in a file, which is made of 32 random bytes, for its owner's eyes only, where there is none.

    Raises:
        ValueError: others can read or change the file (POSIX), or it holds less than 16 bytes.
    """
    path = Path(path)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        _make_key(path)
    try:
        with path.open("rb") as file:
            mode, key = os.fstat(file.fileno()).st_mode, file.read()
    except OSError as error:
        raise ValueError(
            f"{path}: expected a file with a key ({error.strerror}); check the path and its owner"
        ) from error
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ValueError(
            f"{path}: others than you may read or change this key, and whoever has it can tell who is who from the "
            f"names of the cases; chmod 600 {path}"
        )
    if len(key) < LEAST_KEY_BYTES:
        raise ValueError(
            f"{path}: a key needs at least {LEAST_KEY_BYTES} bytes, this one has {len(key)}; take the right file, or "
            "delete it and a new one is made, with other names for all patients"
        )
    return key


def new_key() -> bytes:
    """32 random bytes."""
    return secrets.token_bytes(KEY_BYTES)


def _make_key(path: Path) -> None:
    """Two that start together agree on one key: it appears whole, and the second finds it there."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # readable by its owner alone
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(new_key())
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(name, path)
    finally:
        Path(name).unlink()


def _refuse_headless(path: Path) -> None:
    """Before anything else reads the table: without a header its first patient would stand in the message."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return  # `numbered_rows` says what is wrong
    first = next((line for line in text.splitlines() if line.strip()), "")
    names = {name.strip().strip('"') for separator in ",;\t" for name in first.split(separator)}
    if not {"patient_id", "case"} <= names:
        raise ValueError(
            f"{path}: expected the columns patient_id and case in the first line (centre and split may follow); add "
            "them"
        )
