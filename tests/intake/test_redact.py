import re
import string
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hnseg.intake.redact import redact
from hnseg.intake.structure_names import structure_name
from hnseg.io.dicom.objects import PatientTags

PATIENT = PatientTags(patient_id="KH-0471-1985", name="Müller-Lüdenscheidt^Jörg^^Dr.", birth_date="19500302")

LETTERS = st.text(string.ascii_letters + "äöüßéèñçøŁ", min_size=3, max_size=9)
IDS = st.text(string.ascii_letters + string.digits + "-/. ", min_size=3, max_size=12)


def folded(text):
    letters = unicodedata.normalize("NFKD", text.casefold())
    return "".join(sign for sign in letters if sign.isalnum())


def fragments(text):
    """Three letters or digits in a row, by another road than the code's: part by part."""
    parts = [folded(part) for part in re.split(r"[\W_]+", text)]
    return {part[i : i + 3] for part in parts for i in range(len(part) - 2)}


@given(
    LETTERS,
    LETTERS,
    IDS,
    st.lists(st.sampled_from(["family", "given", "id", "PTV", "boost", "_", " ", "-"]), max_size=8),
)
@example("Schmidt", "Anna", "12345", ["family", "_", "PTV"])
def test_nothing_of_name_and_id_survives(family, given_name, patient_id, plan):
    values = {"family": family, "given": given_name.upper(), "id": patient_id}
    text = "".join(values.get(piece, piece) for piece in plan)
    patient = PatientTags(patient_id=patient_id, name=f"{family}^{given_name}")
    shown = redact(text, patient)
    if structure_name(text, {}):
        return  # words of anatomy, see below
    for word in re.findall(r"[^\W_]+", shown):
        assert not fragments(word) & (fragments(patient.name) | fragments(patient_id)), (text, shown)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("PTV Mueller", "PTV *"),
        ("PTV_MULLER", "PTV_*"),
        ("muellerPTV", "*"),
        ("Ring Jo\u0308rg", "Ring *"),
        ("Joerg boost", "* boost"),
        ("Lueden scheidt x", "* * x"),
        ("M ü l l e r", "* * * * * *"),
        ("GTV KH0471", "GTV *"),
        ("0471 hot", "* hot"),
        ("04 71 hot", "* * hot"),
        ("PTV 54", "PTV 54"),
        ("PTV_7000", "PTV_7000"),
        ("CTV 54.12", "CTV 54.12"),
        ("zz1950", "*"),
        ("b 19500302", "b *"),
        ("b 1950-03-02", "b *"),
        ("b 02.03.1950", "b *"),
        ("b 3/2/50", "b *"),
        ("b 020350", "b *"),
        ("b 2. März 1950", "b *"),
        ("b 2 Mar 1950", "b *"),
        ("b March 2, 1950", "b *"),
        ("b 02MAR50", "b *"),
        ("plan 14.11.2023", "plan *"),
        ("ct 12Nov23", "ct *"),
        ("no 99887766", "no *"),
        ("1.2.840.10008.5.1", "*"),
        ("Marker 1", "Marker 1"),
        ("Margin 12", "Margin 12"),
        ("Septum 2", "Septum 2"),
        ("b 14. September 23", "b *"),
        ("b 3 août 2019", "b *"),
        ("b 4 dic. 1961", "b *"),
        ("line\nbreak\x00\u202e", "line break"),
        ("", ""),
    ],
)
def test_what_is_shown_of_a_name(text, shown):
    def together(masked):
        return re.sub(r"\*[ *]*", "*", masked)

    assert together(redact(text, PATIENT)) == together(shown)


def test_a_known_spelling_is_shown_though_it_shares_letters_with_the_name():
    patient = PatientTags(patient_id="1", name="Hermann^Clara")
    assert redact("Mandible", patient) == "Mandible"
    assert redact("Larynx", patient) == "Larynx"
    assert redact("Mandible ramus", patient) == "* ramus", "what hnseg does not know may be anything"


@pytest.mark.parametrize(
    ("name", "text"), [("Moelle^Anna", "Moelle"), ("Meyer^Anna", "Eye_L"), ("Brain^Dennis", "Brain")]
)
def test_a_known_spelling_that_is_the_name_is_hidden(name, text):
    assert structure_name(text, {})
    assert redact(text, PatientTags(name=name)).startswith("*")


def test_names_in_other_scripts():
    patient = PatientTags(name="Yamada^Tarou=山田^太郎=やまだ^たろう")
    assert redact("山田 PTV", patient) == "* PTV"
    assert redact("PTV boost", patient) == "PTV boost", "ideographs must not make single Latin letters count"
    assert redact("PTV Иванова", PatientTags(name="Иванов^Иван")) == "PTV *"


def test_nothing_known_of_the_patient_hides_nothing_but_numbers():
    assert redact("Ring 5 mm", PatientTags()) == "Ring 5 mm"
    assert redact("id 1234567", PatientTags()) == "id *"


def test_long_names_are_cut():
    assert len(redact("x" * 10_000, PatientTags())) == 64


@given(st.text(max_size=80), st.text(max_size=40), st.text(max_size=40), st.text(max_size=12))
def test_any_text_is_taken(text, name, patient_id, birth_date):
    shown = redact(text, PatientTags(patient_id, name, birth_date))
    assert shown.isprintable() or not shown
