"""What DICOM calls the structures that hnseg knows: codes and sides.

Codes are SNOMED CT (scheme SCT) as the context groups of DICOM PS3.16 list them: anatomical structures of CID 7192,
lesions of CID 7159, sides of CID 244. Those that are in no context group (marked) are from the SNOMED CT mapping of
the names of AAPM TG-263 that HL7's implementation guide for radiation therapy (CodeX RT) publishes.
"""

from __future__ import annotations

from dataclasses import dataclass

from hnseg.sides import SIDE


@dataclass(frozen=True)
class Concept:
    """A code of SNOMED CT and its meaning in English."""

    value: str
    meaning: str
    scheme: str = "SCT"


@dataclass(frozen=True)
class SegmentCode:
    """How a structure is coded in a segment.

    Attributes:
        category: Segmented Property Category, CID 7150.
        property_type: Segmented Property Type.
        side: its modifier, left or right.
        region: Anatomic Region, where the type is a lesion.
    """

    category: Concept
    property_type: Concept
    side: Concept | None = None
    region: Concept | None = None


ANATOMY = Concept("91723000", "Anatomical Structure")
ABNORMAL = Concept("49755003", "Morphologically Abnormal Structure")
TISSUE = Concept("85756007", "Tissue")
LEFT = Concept("7771000", "Left")
RIGHT = Concept("24028007", "Right")
PRIMARY = Concept("372087000", "Neoplasm, Primary")
SECONDARY = Concept("14799000", "Neoplasm, Secondary")
NEOPLASM = Concept("108369006", "Neoplasm")
LYMPH_NODE = Concept("59441001", "Lymph Node")

_ORGANS: dict[str, Concept] = {
    "BrainStem": Concept("119238007", "Brain Stem"),
    "Chiasm": Concept("244453006", "Optic chiasm"),
    "Mandible": Concept("91609006", "Mandible"),
    "OpticNerve": Concept("18234004", "Optic nerve"),
    "Parotid": Concept("45289007", "Parotid gland"),
    "Submandibular": Concept("54019009", "Submandibular gland"),
    "SpinalCord": Concept("2748008", "Spinal cord"),
    "SpinalCanal": Concept("61853006", "Vertebral canal"),
    "Larynx": Concept("4596009", "Larynx"),
    "Glottis": Concept("1307006", "Glottis"),
    "Supraglottis": Concept("119255006", "Supraglottis"),
    "Esophagus": Concept("32849002", "Esophagus"),
    "Trachea": Concept("44567001", "Trachea"),
    "Pharynx": Concept("54066008", "Pharynx"),
    "PharynxConstrictor": Concept("4866005", "Constrictor muscle of pharynx"),  # in no context group
    "Brain": Concept("12738006", "Brain"),
    "TemporalLobe": Concept("78277001", "Temporal lobe"),
    "Hippocampus": Concept("5366008", "Hippocampus"),
    "Cerebellum": Concept("113305005", "Cerebellum"),
    "Pituitary": Concept("56329008", "Pituitary"),
    "Cochlea": Concept("80169004", "Cochlea"),  # in no context group
    "InnerEar": Concept("22945000", "Inner ear"),
    "Lens": Concept("78076003", "Lens"),
    "Eye": Concept("81745001", "Eye"),
    "Lacrimal": Concept("13561001", "Lacrimal gland"),
    "OralCavity": Concept("74262004", "Oral cavity"),
    "Lips": Concept("48477009", "Lip"),
    "Tongue": Concept("21974007", "Tongue"),
    "SoftPalate": Concept("49460000", "Soft palate"),
    "BuccalMucosa": Concept("16811007", "Buccal mucosa"),
    "Thyroid": Concept("69748006", "Thyroid"),
    "CarotidArtery": Concept("69105007", "Carotid Artery"),
    "BrachialPlexus": Concept("36582005", "Brachial plexus"),
    "Maxilla": Concept("70925003", "Maxilla"),
    "Lung": Concept("39607008", "Lung"),
    "Body": Concept("38266002", "Entire body"),
}
_TUMOURS: dict[str, tuple[Concept, Concept | None]] = {
    "GTVp": (PRIMARY, None),
    "GTVt": (PRIMARY, None),
    "GTVn": (SECONDARY, LYMPH_NODE),
    "GTV": (NEOPLASM, None),
    "Tumour": (NEOPLASM, None),
}
_SPELLINGS = {"Oesophagus": "Esophagus", "Orbit": "Eye", "OpticChiasm": "Chiasm", "Tumor": "Tumour"}
_MEANT = {
    **{concept.value: name for name, concept in _ORGANS.items()},
    **{PRIMARY.value: "GTVp", SECONDARY.value: "GTVn", NEOPLASM.value: "GTV"},
}


def segment_code(name: str) -> SegmentCode:
    """The code of a structure by hnseg's name for it; ``Parotid_L`` is the left one.

    A name that is not known is coded as Tissue, which says nothing false, with no private scheme: its name stays in
    the label. Upper and lower case, spaces, dashes, underscores and a number at the end (``GTVn_2``) do not matter.
    """
    side, bare = _side(name)
    known = _KNOWN.get(_plain(bare).rstrip("0123456789"))
    known = _SPELLINGS.get(known or "", known)
    if known in _TUMOURS:
        concept, region = _TUMOURS[known]
        return SegmentCode(ABNORMAL, concept, side, region)
    if known in _ORGANS:
        return SegmentCode(ANATOMY, _ORGANS[known], side)
    return SegmentCode(TISSUE, TISSUE)


def name_of_code(value: str, side: str = "") -> str | None:
    """hnseg's name for a SNOMED CT code, with the modifier's code for the side; None for those it does not know."""
    name = _MEANT.get(value)
    suffix = {LEFT.value: "_L", RIGHT.value: "_R"}.get(side, "")
    return None if name is None else name + suffix


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


_KNOWN = {_plain(name): name for name in (*_ORGANS, *_TUMOURS, *_SPELLINGS)}


def _side(name: str) -> tuple[Concept | None, str]:
    """The side that a word of the name says, and the name without that word."""
    spaced = name.replace("_", " ")
    words = SIDE.findall(spaced)
    if len(words) != 1:
        return None, name
    return (LEFT if words[0].lower() in ("l", "lt", "left") else RIGHT), SIDE.sub(" ", spaced)
