import pytest

from hnseg.phantom.cohort import members
from hnseg.phantom.layouts import LAYOUTS
from hnseg.phantom.tables import write_table
from hnseg.survival.clinical import encode, hecktor_tables, match, read_clinical, read_endpoint, read_mapping


def laid_out(root, year):
    """The paths that the phantom gives its tables, with nothing in them."""
    for table in LAYOUTS[year].tables:
        (root / table.path).parent.mkdir(parents=True, exist_ok=True)
        (root / table.path).touch()
    return root


@pytest.mark.parametrize(
    ("year", "info", "endpoints"),
    [(2021, "hecktor2021_patient_info_training.csv", "hecktor2021_patient_endpoint_training.csv"),
     (2022, "hecktor2022_clinical_info_training.csv", "hecktor2022_endpoint_training.csv"),
     (2025, "hecktor2025_training/Task 2/HECKTOR_2025_Training_Task_2.csv",
      "hecktor2025_training/Task 2/HECKTOR_2025_Training_Task_2.csv")],
)  # fmt: skip
def test_tables_as_the_phantom_and_the_downloads_have_them(tmp_path, year, info, endpoints):
    root = laid_out(tmp_path / "data" / "raw", year)
    assert hecktor_tables(root, year) == (root / info, root / endpoints)
    assert hecktor_tables(tmp_path / "data", year) == (root / info, root / endpoints)


def test_the_root_may_be_the_folder_of_the_images(tmp_path):
    root = laid_out(tmp_path / "data", 2021)
    (root / "hecktor_nii").mkdir()
    assert hecktor_tables(root / "hecktor_nii", 2021)[0].samefile(root / "hecktor2021_patient_info_training.csv")
    root = laid_out(tmp_path / "data25", 2025) / "hecktor2025_training"
    assert hecktor_tables(root / "Task 1", 2025)[0].parent.name == "Task 2"


def test_capitals_do_not_matter(tmp_path):
    (tmp_path / "Hecktor2022_Clinical_Info_Training.CSV").touch()
    (tmp_path / "hecktor2022_endpoint_training.csv").touch()
    assert hecktor_tables(tmp_path, 2022)[0].name == "Hecktor2022_Clinical_Info_Training.CSV"


def test_the_next_data_set_is_not_looked_into(tmp_path):
    laid_out(tmp_path / "other", 2021)
    (tmp_path / "mine").mkdir()
    with pytest.raises(ValueError, match=r"mine: expected hecktor2021_patient_info_training.csv"):
        hecktor_tables(tmp_path / "mine", 2021)


def test_what_is_missing_or_there_twice_is_named(tmp_path):
    root = laid_out(tmp_path / "raw", 2021)
    (root / "hecktor2021_patient_endpoint_training.csv").unlink()
    with pytest.raises(ValueError, match=r"expected hecktor2021_patient_endpoint_training.csv.*hecktor2021.md"):
        hecktor_tables(root, 2021)
    (root / "copy").mkdir()
    (root / "copy" / "hecktor2021_patient_info_training.csv").touch()
    with pytest.raises(ValueError, match="more than once"):
        hecktor_tables(root, 2021)


def test_years_and_folders_that_there_are_not(tmp_path):
    with pytest.raises(ValueError, match=r"HECKTOR 2020 has no clinical tables.*2021, 2022, 2025"):
        hecktor_tables(tmp_path, 2020)
    with pytest.raises(ValueError, match="is not a folder"):
        hecktor_tables(tmp_path / "absent", 2021)


@pytest.mark.parametrize("year", [2021, 2022, 2025])
def test_from_a_folder_to_features_and_outcome(tmp_path, year):
    plans = [member.plan(2) for member in members(year, 9)[0]]
    for table in LAYOUTS[year].tables:
        if table.part == "train" and "bbox" not in table.path:
            (tmp_path / table.path).parent.mkdir(parents=True, exist_ok=True)
            write_table(tmp_path / table.path, [table.row(plan, None) for plan in plans])
    info, endpoints = hecktor_tables(tmp_path, year)
    mapping = read_mapping(f"hecktor{year}")
    both = match(read_clinical(info, mapping), read_endpoint(endpoints, mapping, *mapping.endpoints))
    assert not both.left_out
    assert both.outcome.patients == tuple(encode(both.table).index) == tuple(plan.case_id for plan in plans)
    assert both.table.centres == {plan.case_id: plan.centre.code for plan in plans}
