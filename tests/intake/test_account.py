from typing import Any

from hnseg.intake.account import MANY, account


def record(**changes: Any) -> dict[str, Any]:
    ct = {"shape_zyx": [90, 512, 512], "spacing_mm": [3.0, 0.9766, 0.9766], "notes": ["2 copies dropped"]}
    entry = {"case": "P1", "ct": ct, "pt": None, "notes": [], "unknown": [{"original": "z_ring", "source": "rtstruct"}]}
    entry["structures"] = [{"name": "GTVt", "notes": ["two contours overlap"]}]
    counts = {"cases": 1, "patients": 1, "structures": 1, "ct": 1, "pt": 0, "kept": 0}
    skipped = [
        {"modality": "CT", "kind": "series", "case": "P1", "reason": "localiser", "message": "a localiser"},
        *[{"modality": "", "kind": "file", "case": "", "reason": "no_dicom", "message": "no DICOM file"}] * 3,
    ]
    plain = {
        "not_found": [],
        "files": 94,
        "dry_run": False,
        "phantom": False,
        "counts": counts,
        "cases": [entry],
        "skipped": skipped,
    }
    return plain | changes


def test_what_was_found_and_what_was_not_taken_is_told() -> None:
    lines = account(record()).splitlines()
    assert lines[0] == "94 files read: 1 case, 1 patient, 1 structure; 1 with CT, 0 with PET"
    assert lines[1] == "  P1: CT 90 x 512 x 512 at 3 x 0.977 x 0.977 mm; GTVt"
    assert "    2 copies dropped" in lines
    assert "    GTVt: two contours overlap" in lines
    assert "structures that hnseg has no name for: 'z_ring'" in lines
    assert lines[-2:] == ["  3 files (no_dicom): no DICOM file", "  1 CT series of P1 (localiser): a localiser"]


def test_a_dry_run_and_a_phantom_say_so() -> None:
    told = account(record(dry_run=True, phantom=True))
    assert "94 files looked at" in told
    assert "PHANTOM" in told


def test_of_many_cases_some_are_shown() -> None:
    entry = record()["cases"][0]
    told = account(record(cases=[entry] * (MANY + 2)))
    assert told.count("  P1: CT") == MANY
    assert "and 2 more" in told
