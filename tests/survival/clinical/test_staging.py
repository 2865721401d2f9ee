from itertools import product

import pytest

from hnseg.phantom.clinical import stage_group as phantom_group
from hnseg.survival.clinical import staging
from hnseg.survival.clinical.staging import category, refuse_other_edition, stage_group

T, N, M = staging.T_CATEGORIES, staging.N_CATEGORIES, staging.M_CATEGORIES


@pytest.mark.parametrize(
    ("text", "letter", "known", "found"),
    [("T4a", "T", T, "T4a"), ("t4A", "T", T, "T4a"), ("cT2", "T", T, "T2"), ("pN2C", "N", N, "N2c"),
     ("2b", "N", N, "N2b"),
     ("3.0", "T", T, "T3"), ("T is", "T", T, "Tis"), ("x", "N", N, None), ("MX", "M", M, None), ("M0", "M", M, "M0"),
     ("T0", "T", T, "T0"), ("N3b", "N", N, "N3b")],
)  # fmt: skip
def test_categories_in_the_spellings_of_tables(text, letter, known, found):
    assert category(text, letter, known) == found


@pytest.mark.parametrize(("text", "letter", "known"), [("T5", "T", T), ("N2", "T", T), ("3a", "T", T), ("N2d", "N", N),
                                                       ("T", "T", T), ("M2", "M", M), ("-1", "N", N)])  # fmt: skip
def test_what_is_no_category_says_which_are(text, letter, known):
    with pytest.raises(ValueError, match=f"{known[0]}.*{letter}x"):
        category(text, letter, known)


@pytest.mark.parametrize(
    ("text", "group"),
    [("Stage IVA", "IVA"), ("Stade IVA", "IVA"), ("stage III", "III"), ("StageII", "II"), ("ivb", "IVB"), ("IV", "IV"),
     ("Stage 0", "0")],
)  # fmt: skip
def test_groups_with_or_without_the_word(text, group):
    assert stage_group(text) == group


@pytest.mark.parametrize("text", ["stage IIB", "V", "stage", "4", "IVD"])
def test_groups_that_neither_edition_has(text):
    with pytest.raises(ValueError, match="expected one of 0, I, II"):
        stage_group(text)


@pytest.mark.parametrize("n_stage", ["N3a", "N3b"])
def test_subdivisions_of_n3_belong_to_edition_8_or_to_the_nasopharynx(n_stage):
    refuse_other_edition(8, n_stage, "oropharynx")
    refuse_other_edition(None, n_stage, None)
    refuse_other_edition(7, n_stage, "nasopharynx")
    for site in ("oropharynx", None):
        with pytest.raises(ValueError, match=f"edition 7 has no {n_stage}"):
            refuse_other_edition(7, n_stage, site)


@pytest.mark.parametrize(("stage", "level"), [("Tis", 1), ("T0", 1), ("T1b", 1), ("T2", 2), ("T4b", 4)])
def test_levels_of_t(stage, level):
    assert staging.t_bounds(stage) == (level, level)
    assert staging.t_bounds(None) == (1, 4)


def test_n1_of_the_hpv_scale_is_n1_or_n2_of_edition_7():
    assert staging.n_bounds("N1", hpv_scale=True) == (1, 2)
    assert staging.n_bounds("N1", hpv_scale=False) == (1, 1)
    assert [staging.n_bounds(n, hpv_scale=True) for n in ("N0", "N2", "N3")] == [(0, 0), (2, 2), (3, 3)]


def test_groups_follow_from_t_n_and_m_as_in_edition_7():
    """Against the phantom's own staging, which is written another way."""
    levels = {"I": 1, "II": 2, "III": 3, "IVA": 4, "IVB": 4, "IVC": 4}
    for t, n, m in product((1, 2, 3, 4), (0, 1, 2, 3), (0, 1)):
        group = phantom_group(f"T{t}", f"N{n}" if n != 2 else "N2b", bool(m)).removeprefix("Stage ")
        assert staging.seventh_edition_group((t, t), (n, n), (m, m)) == (levels[group],) * 2


def test_bounds_of_a_group_hold_every_case_that_they_stand_for():
    for t, n, m in product([(1, 1), (2, 4), (1, 4)], [(0, 0), (1, 2), (0, 3)], [(0, 0), (0, 1)]):
        cases = product(range(t[0], t[1] + 1), range(n[0], n[1] + 1), range(m[0], m[1] + 1))
        groups = [staging.seventh_edition_group((a, a), (b, b), (c, c))[0] for a, b, c in cases]
        assert staging.seventh_edition_group(t, n, m) == (min(groups), max(groups))


@pytest.mark.parametrize(
    ("edition", "hpv", "site", "n", "group", "may"),
    [(8, True, "oropharynx", "N1", "I", True), (8, None, None, "N1", None, True), (None, True, None, None, None, True),
     (7, True, "oropharynx", "N1", "III", False), (8, False, None, "N1", "III", False),
     (8, True, "larynx", "N1", "III", False),
     (8, True, None, "N2b", "II", False), (8, None, None, "N1", "IVA", False), (8, True, None, "N2", "III", True)],
)  # fmt: skip
def test_whose_stage_may_be_on_the_hpv_scale(edition, hpv, site, n, group, may):
    assert staging.may_be_hpv_scale(edition, hpv, site, n, group) is may
