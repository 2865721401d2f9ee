import pytest

from hnseg.evaluate.click_curves import WITH_TUMOUR, WITHOUT_TUMOUR, click_curve, click_users, clicks_needed
from hnseg.report.click_views import USERS, curve_view, empty_view, method_name, needed_view, users_view
from tests.report.clicks import click_rows


def texts(view):
    return [tuple(cell.text for cell in row) for row in view.rows]


def test_a_row_a_number_of_clicks_and_methods_side_by_side():
    view = curve_view(click_curve(click_rows()))
    assert view.headings == (
        "Clicks", "Units", "Patients", "network: median Dice", "network: mean Dice", "PET threshold: median Dice",
        "PET threshold: mean Dice",
    )  # fmt: skip
    assert [row[0] for row in texts(view)] == ["0", "1", "2", "3", "5", "10"]
    assert texts(view)[4] == ("5", "4", "2", "0.500 (0.500 to 0.500)", "0.500 (0.500 to 0.500)",
                              "0.250 (0.250 to 0.250)", "0.250 (0.250 to 0.250)")  # fmt: skip


def test_one_patient_has_no_interval():
    assert texts(curve_view(click_curve(click_rows(["P1"], methods=["network"]))))[1] == (
        "1",
        "2",
        "1",
        "0.100",
        "0.100",
    )


def test_several_structures_have_a_column():
    view = curve_view(click_curve(click_rows(structures=("GTVp", "GTVn"), methods=["network"])))
    assert view.headings[0] == "Structure"
    assert [row[0] for row in texts(view)] == ["GTVp"] * 6 + ["GTVn"] * 6


def test_never_there_is_more_than_ten():
    rows = texts(needed_view(clicks_needed(click_rows())))
    assert rows[0] == ("network", "4", "2", "9", "9 to 9", "9.0", "9.0 to 9.0", "0", "0")
    assert rows[1] == ("PET threshold", "4", "2", "> 10", "> 10 to > 10", "11.0", "11.0 to 11.0", "0", "4")


def test_users_with_tumour_and_without():
    users = click_users(click_rows())
    shown = texts(users_view(users))
    assert [row[0] for row in shown] == [
        "no click", "centre of each lesion", "anywhere in each lesion", "centre, 3 mm off", "centre, 6 mm off",
        "one wrong place",
    ]  # fmt: skip
    assert shown[4] == ("centre, 6 mm off", "2", "2", "1", *["0.300 (0.300 to 0.300)"] * 2)
    assert texts(empty_view(users)) == [
        ("no click", "2", "2", "0", *["0 % (0 to 0)", "0.00"] * 2),
        ("the hottest spot", "2", "2", "1", *["100 % (100 to 100)", "2.00"] * 2),
    ]


def test_a_method_without_a_row_says_so():
    rows = click_rows()
    rows = rows[~((rows["method"] == "pet_threshold") & (rows["user"] == "centre"))]
    by_user = {row[0]: row for row in texts(users_view(click_users(rows)))}
    assert by_user["centre of each lesion"][-1] == "–"
    assert by_user["no click"][-1] == "0.000 (0.000 to 0.000)"


def test_nothing_gives_no_table():
    nothing = click_rows().iloc[:0]
    for view in (curve_view(click_curve(nothing)), needed_view(clicks_needed(nothing))):
        assert view is None
    assert users_view(click_users(nothing)) is None
    assert empty_view(click_users(nothing)) is None


def test_every_user_has_a_name():
    assert set(USERS) == {*WITH_TUMOUR, *WITHOUT_TUMOUR}
    assert method_name("another") == "another"


@pytest.mark.parametrize("view", [users_view, empty_view])
def test_every_row_is_as_wide_as_the_headings(view):
    table = view(click_users(click_rows(structures=("a", "b"))))
    assert {len(row) for row in table.rows} == {len(table.headings)}
