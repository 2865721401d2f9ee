import math
from types import SimpleNamespace

import pandas as pd
import pytest

from hnseg.report.survival_cards import survival_cards
from hnseg.report.survival_protocols import protocols_said, published_said
from hnseg.report.survival_views import comparison_view
from hnseg.report.survival_words import survival_status, verdict

COLUMNS = ("model", "features", "c_index", "low", "high", "reference", "p", "p_holm", "paper", "optimism", "published",
           "near", "difference", "uno_c", "auc", "brier_skill", "selected")  # fmt: skip
NAN = math.nan


def row(features="clinical", c_index=0.6, p=NAN, **more):
    plain = dict.fromkeys(COLUMNS, NAN) | {"model": "cox", "reference": "clinical"}
    plain |= {"low": c_index - 0.05, "high": c_index + 0.05}
    return plain | {"features": features, "c_index": c_index, "p": p, "p_holm": p} | more


def table(*rows):
    return pd.DataFrame(list(rows), columns=COLUMNS)


def experiment(best_c_index=NAN, phantom=False, scores=(), ran=("honest", "paper"), **manifest):
    columns = ["protocol", "model", "features", "repeat", "fold", "events", "c_index"]
    tables = {
        "scores": pd.DataFrame(scores, columns=columns),
        "summary": pd.DataFrame({"protocol": list(ran)}),
    }
    return SimpleNamespace(
        manifest=manifest, phantom=phantom, best_c_index=best_c_index, horizon_days=730.5, tables=tables
    )


def text(sentences):
    return " ".join(("Beware: " if sentence.warning else "") + sentence.text for sentence in sentences)


def said(*rows, **about):
    return text(verdict(experiment(**about), table(*rows)))


@pytest.mark.parametrize(
    ("p", "p_holm", "wanted"),
    [
        (0.001, 0.01, "0.0100 after Holm): better than clinical features alone."),
        (0.03, 0.3, "not when all tests that were made are counted."),
        (0.4, 1.0, "that may be chance."),
        (NAN, NAN, "it was not tested, so it may be chance."),
    ],
)
def test_the_best_set_is_held_against_its_reference(p, p_holm, wanted):
    found = said(row(), row("clinical+ct", 0.7, p, p_holm=p_holm, reference="clinical"))
    assert (
        "Best of 2 under the honest protocol: Cox, clinical + CT, with a C-index of 0.700 (95 % interval 0.650 to"
        in found
    )
    assert "Cox on clinical features alone reaches 0.600, a difference of +0.100" in found
    assert wanted in found
    assert ("Beware: Cox on" in found) == (p_holm != 0.01)


def test_when_clinical_features_are_best_nothing_is_gained():
    found = said(row(c_index=0.7), row("clinical+ct", 0.6, 0.2))
    assert "Nothing that was added to the clinical features made any model better" in found


def test_a_reference_without_a_score_is_said():
    assert "Whether it beats clinical features alone is not known" in said(row("clinical+ct", 0.7), row("ct"))


def test_a_single_feature_set_is_held_against_nothing():
    found = said(row(), row(model="rsf", c_index=0.5))
    assert "No feature set was run but clinical" in found
    assert "any model better" not in found


def test_the_difference_is_the_tested_one():
    found = said(row(), row("clinical+ct", 0.7, 0.4, difference=0.08))
    assert "alone reaches 0.600, a difference of +0.080" in found


def test_an_interval_around_chance_is_guessing():
    assert "Beware: Its interval contains 0.5" in said(row(c_index=0.52))
    assert "contains 0.5" not in said(row(c_index=0.60))


def test_optimism_is_named_with_what_the_paper_would_have_chosen():
    rows = (
        row(c_index=0.65, paper=0.66, optimism=0.01),
        row("clinical+ct", 0.60, 0.5, paper=0.75, optimism=0.15),
    )
    found = said(*rows)
    assert "Beware: The paper's protocol scores 0.080 higher on average over 2 combinations (+0.010 to +0.150)" in found
    assert "By it the best would be Cox, clinical + CT with 0.750, where the honest protocol says 0.600." in found
    assert "optimism" not in said(row())
    alone = said(row(paper=0.58, optimism=-0.02))
    assert "scores 0.020 lower than the honest one: no optimism." in alone
    assert "By it the best" not in alone


def test_how_near_the_truth_of_a_phantom():
    assert "true hazards would score 0.800: nobody can do better. The best combination comes 40 % of" in said(
        row(c_index=0.62, near=0.4), best_c_index=0.8, phantom=True
    )
    assert "nobody can do better than guess" in said(row(), best_c_index=0.5, phantom=True)
    assert "No combination even reaches 0.5." in said(row(near=-0.1), best_c_index=0.8, phantom=True)
    assert "the phantom left no true hazards" in said(row(), phantom=True)
    assert "hazards" not in said(row())


def test_comparisons_are_counted():
    rows = [row(f"clinical+{block}", 0.6, p, p_holm=1.0) for block, p in (("ct", 0.01), ("pt", 0.6), ("deep", 0.3))]
    found = said(row(), *rows)
    assert "4 combinations of model and features were compared" in found
    assert "Of 3 tests, 1 has p < 0.05, where chance alone would make 0.15; 0 after Holm" in found
    assert "were compared" not in said(row())


def test_nothing_scored_or_not_honestly():
    assert "not run" in said(row(c_index=NAN, paper=0.7))
    assert "nothing is scored yet" in said()


def test_missing_protocols_repeats_events_and_blocks_are_said():
    scores = [
        ("honest", "cox", "clinical", 0, "A", 9, 0.6),
        ("honest", "cox", "clinical", 0, "B", 0, NAN),
        ("honest", "rsf", "clinical", 0, "B", 0, NAN),
    ]
    found = text(protocols_said(experiment(scores=scores, ran=("honest",), test_looks=3), table(row())))
    for wanted in (
        "Only the honest protocol was run, so optimism is not known.",
        "Beware: One repeat",
        "2 folds. C-indices are means",
        "Without a C-index, and in no mean: B (0 events).",
        "Nothing was run with CT or PET or deep features.",
        "looked at 3 times",
    ):
        assert wanted in found, wanted
    again = [*scores[:1], ("honest", "cox", "clinical", 1, "A", 1, NAN)]
    found = text(protocols_said(experiment(scores=again, test_looks=1), table(row("clinical+ct+pt+deep"))))
    assert "have been looked at once, by this experiment" in found
    assert "1 fold; everything was done 2 times, with other seeds." in found
    assert "A of repeat 1 (1 event)" in found
    for absent in ("One repeat", "Only the", "Nothing was run", "looked at 3"):
        assert absent not in found, absent
    assert "Beware: Only the paper's protocol" in text(protocols_said(experiment(ran=("paper",)), table(row())))
    assert "there is no scores.csv" in text(protocols_said(experiment(ran=()), table()))


def test_published_numbers_are_of_others():
    rows = table(row(published=0.7))
    assert published_said(experiment(), table(row())) == []
    assert "phantoms" in text(published_said(experiment(phantom=True), rows))
    assert "Beware" not in text(published_said(experiment(data={"name": "hecktor2021"}), rows))
    assert "patients of mine: other people" in text(published_said(experiment(data={"name": "mine"}), rows))


def test_status_says_whether_all_is_done():
    assert survival_status(experiment(finished=True), table(row())).text.startswith("finished: 1 combination of")
    assert survival_status(experiment(), table()).warning


def test_cards_without_any_score_or_reference():
    assert survival_cards(experiment(), table())[0]["value"] == "–"
    assert [card["name"] for card in survival_cards(experiment(), table(row()))] == ["Best C-index, honest"]


def test_cards_have_the_gain_the_optimism_and_what_can_be_reached():
    rows = (
        row(paper=0.62, optimism=0.02),
        row("clinical+ct", 0.65, 0.2, paper=0.75, optimism=0.1, near=0.5),
    )
    cards = {card["name"]: card for card in survival_cards(experiment(best_c_index=0.8), table(*rows))}
    assert {name: card["value"] for name, card in cards.items()} == {
        "Best C-index, honest": "0.650", "Gained over clinical alone": "+0.050", "Optimism, mean": "+0.060",
        "Best that can be reached": "0.800",
    }  # fmt: skip
    assert "p = 0.200" in cards["Gained over clinical alone"]["note"]
    assert "up to +0.100" in cards["Optimism, mean"]["note"]
    assert "comes 50 % of the way" in cards["Best that can be reached"]["note"]


def test_the_table_sorts_by_value_and_leaves_out_what_nobody_has():
    view = comparison_view(table(row(), row("clinical+ct", 0.7, 0.04, optimism=-0.1, paper=0.6)), 730.5)
    assert view.headings == (
        "Model", "Features", "C-index, honest", "95 % interval", "C-index, paper's", "Optimism", "p", "p, Holm",
    )  # fmt: skip
    assert view.strong_rows == {1}
    assert [cell.text for cell in view.rows[1]][2:] == [
        "0.700", "0.650–0.750", "0.600", "−0.100", "0.0400", "0.0400",
    ]  # fmt: skip
    assert [cell.key for cell in view.rows[0]][2:] == ["0.6", repr(0.6 - 0.05), "", "", "", ""]
    empty = comparison_view(table(row(c_index=NAN, low=NAN)), NAN)
    assert empty.strong_rows == frozenset()
    assert [cell.text for cell in empty.rows[0]] == ["Cox", "clinical", "–", ""]
