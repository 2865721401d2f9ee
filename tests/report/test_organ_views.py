import numpy as np
import pandas as pd
import pytest

from hnseg.report.organ_views import (
    left_out,
    one_row_each,
    organ_cards,
    organ_view,
    patient_view,
    scores_of,
    source_view,
)
from hnseg.report.published_organs import jain2020_table2
from tests.report.organs import FOUR, ORGANS


def rows(full=6, partly=2, **columns):
    """Every patient of ``paired`` scores the same in an organ, those of ``openkbp`` 0.1 less in four of them."""
    made = []
    for source, count, names, less in (("openkbp", partly, FOUR, 0.1), ("paired", full, ORGANS, 0.0)):
        for i in range(count):
            for name in names:
                dice = 0.5 + 0.05 * ORGANS.index(name) - less
                made.append(
                    {"case": f"{source}{i}", "centre": source, "structure": name, "dice": dice, "hd95_mm": 2.0 + i,
                     "dice_slices": dice - 0.2, "surface_dice": 0.9, "tolerance_mm": 2.5}
                )  # fmt: skip
    return pd.DataFrame(made).assign(**columns)


def texts(view):
    return {row[0].text: [cell.text for cell in row[1:]] for row in view.rows}


def test_a_row_an_organ_in_the_order_of_the_labels_with_its_own_count():
    found = texts(organ_view(scores_of(rows(), ORGANS)))
    assert list(found) == [*ORGANS, "mean of organs"]
    assert found["Chiasm"] == ["6", "0.550 ± 0.000", "0.350 ± 0.000", "4.5", "0.900 ± 0.000", "2.50"]
    assert found["BrainStem"][0] == "8"
    assert found["BrainStem"][1].startswith("0.475 ± ")


def test_no_mean_of_fewer_than_five():
    found = texts(organ_view(scores_of(rows(full=4, partly=2), ORGANS)))
    assert found["Chiasm"] == ["4", "too few", "", "", "", ""]
    assert found["Parotid_R"][0] == "6"
    assert found["mean of organs"][0] == "4 organs"
    assert left_out(scores_of(rows(full=4, partly=2), ORGANS)).startswith("without Chiasm, OpticNerve_L")
    assert left_out(scores_of(rows(), ORGANS)) == ""


def test_published_scores_stand_beside_with_all_their_digits():
    view = organ_view(scores_of(rows(), ORGANS), jain2020_table2())
    assert view.headings[-3:] == ("AnatomyNet, volumes", "Model L, slices", "Model M, slices")
    found = texts(view)
    assert found["Chiasm"][-3:] == ["0.5322", "0.5752", "0.5505"]
    assert found["mean of organs"][-3:] == ["0.7925", "0.7198", "0.7216"]
    assert view.strong_rows == {9}


def test_tables_of_an_older_version_lack_columns_and_no_more():
    old = rows().drop(columns=["dice_slices", "tolerance_mm"])
    found = texts(organ_view(scores_of(old, ORGANS)))
    assert found["Chiasm"] == ["6", "0.550 ± 0.000", "–", "4.5", "0.900 ± 0.000", ""]


def test_a_patient_of_two_folds_counts_once_with_the_mean():
    first = rows(full=5, partly=0)
    twice = pd.concat([first.assign(fold="0"), first.assign(fold="1", dice=first["dice"] + 0.2)])
    assert len(one_row_each(twice)) == len(first)
    found = texts(organ_view(scores_of(twice, ORGANS)))
    assert found["Chiasm"][:2] == ["5", "0.650 ± 0.000"]


def test_sources_are_columns_with_their_own_counts():
    view = source_view(rows(full=6, partly=5), ORGANS, "centre")
    assert view.headings == ("Structure", "openkbp", "paired")
    found = texts(view)
    assert found["BrainStem"] == ["0.400 ± 0.000 (5)", "0.500 ± 0.000 (6)"]
    assert found["Chiasm"] == ["", "0.550 ± 0.000 (6)"]
    assert texts(source_view(rows(), ORGANS, "centre"))["BrainStem"][0] == "too few (2)"


def test_one_source_needs_no_table_of_sources():
    assert source_view(rows(partly=0), ORGANS, "centre") is None


def test_patients_have_a_cell_an_organ_and_nothing_where_it_is_not_annotated():
    view = patient_view(rows(full=2, partly=1), ORGANS)
    assert view.headings[:6] == ("Patient", "Centre", "Organs", "Mean Dice", "BrainStem", "Chiasm")
    assert view.headings[-1] == "Submandibular R"  # in two lines where there is no room
    found = texts(view)
    assert found["openkbp0"] == ["openkbp", "4", "0.562", "0.400", "", "0.500", "", "", "0.650", "0.700", "", ""]
    assert found["paired1"][1:3] == ["9", "0.700"]


def test_an_annotated_organ_without_a_score_is_a_dash_and_never_nan():
    cases = rows(full=5, partly=0)
    cases.loc[cases["structure"] == "Chiasm", ["dice", "dice_slices", "hd95_mm"]] = np.nan
    for view in (
        patient_view(cases, ORGANS),
        organ_view(scores_of(cases, ORGANS)),
        source_view(rows(), ORGANS, "centre"),
    ):
        assert "nan" not in str([cell.text for row in view.rows for cell in row]).lower()
    assert texts(organ_view(scores_of(cases, ORGANS)))["Chiasm"][:2] == ["5", "–"]


def test_one_card_for_the_mean_and_two_beside_it():
    cards = organ_cards(scores_of(rows(partly=0), ORGANS), "6 patients")
    assert len(cards) == 3
    assert cards[0]["value"] == "0.700"
    assert cards[0]["note"] == "9 organs; 6 patients"
    assert cards[1]["value"] == "0.500 to 0.900"
    assert cards[1]["note"] == "BrainStem, Submandibular_R"


@pytest.mark.parametrize("full", [1, 4])
def test_too_few_patients_give_no_mean_at_the_top(full):
    (card,) = organ_cards(scores_of(rows(full=full, partly=0), ORGANS), f"{full} patients")
    assert card["value"] == "–"
    assert "no organ has 5 patients" in card["note"]
