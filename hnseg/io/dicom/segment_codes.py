"""What DICOM calls the structures that hnseg knows: codes, sides and colours.

Codes are SNOMED CT (scheme SCT) as the context groups of DICOM PS3.16 list them: anatomical structures of CID 7192,
lesions of CID 7159, sides of CID 244. Those that are in no context group (marked) are from the SNOMED CT mapping of
the names of AAPM TG-263 that HL7's implementation guide for radiation therapy (CodeX RT) publishes.
"""

from __future__ import annotations

import colorsys
import hashlib
from dataclasses import dataclass

from hnseg.sides import SIDE

Rgb = tuple[int, int, int]


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
        rgb: recommended colour, 0 to 255.
    """

    category: Concept
    property_type: Concept
    rgb: Rgb
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

_ORGANS: dict[str, tuple[Concept, Rgb]] = {
    "BrainStem": (Concept("119238007", "Brain Stem"), (0, 158, 115)),
    "Chiasm": (Concept("244453006", "Optic chiasm"), (230, 159, 0)),
    "Mandible": (Concept("91609006", "Mandible"), (240, 228, 66)),
    "OpticNerve": (Concept("18234004", "Optic nerve"), (204, 121, 167)),
    "Parotid": (Concept("45289007", "Parotid gland"), (86, 180, 233)),
    "Submandibular": (Concept("54019009", "Submandibular gland"), (0, 114, 178)),
    "SpinalCord": (Concept("2748008", "Spinal cord"), (255, 255, 150)),
    "SpinalCanal": (Concept("61853006", "Vertebral canal"), (200, 200, 100)),
    "Larynx": (Concept("4596009", "Larynx"), (150, 200, 120)),
    "Glottis": (Concept("1307006", "Glottis"), (120, 170, 90)),
    "Supraglottis": (Concept("119255006", "Supraglottis"), (170, 220, 150)),
    "Esophagus": (Concept("32849002", "Esophagus"), (211, 171, 143)),
    "Trachea": (Concept("44567001", "Trachea"), (182, 228, 255)),
    "Pharynx": (Concept("54066008", "Pharynx"), (184, 122, 154)),
    "PharynxConstrictor": (Concept("4866005", "Constrictor muscle of pharynx"), (160, 90, 130)),  # in no context group
    "Brain": (Concept("12738006", "Brain"), (250, 250, 225)),
    "TemporalLobe": (Concept("78277001", "Temporal lobe"), (220, 200, 160)),
    "Hippocampus": (Concept("5366008", "Hippocampus"), (255, 140, 120)),
    "Cerebellum": (Concept("113305005", "Cerebellum"), (194, 195, 164)),
    "Pituitary": (Concept("56329008", "Pituitary"), (255, 100, 180)),
    "Cochlea": (Concept("80169004", "Cochlea"), (130, 80, 200)),  # in no context group
    "InnerEar": (Concept("22945000", "Inner ear"), (150, 110, 210)),
    "Lens": (Concept("78076003", "Lens"), (150, 255, 255)),
    "Eye": (Concept("81745001", "Eye"), (190, 225, 255)),
    "Lacrimal": (Concept("13561001", "Lacrimal gland"), (100, 130, 255)),
    "OralCavity": (Concept("74262004", "Oral cavity"), (255, 170, 150)),
    "Lips": (Concept("48477009", "Lip"), (220, 90, 110)),
    "Tongue": (Concept("21974007", "Tongue"), (200, 110, 110)),
    "SoftPalate": (Concept("49460000", "Soft palate"), (230, 150, 170)),
    "BuccalMucosa": (Concept("16811007", "Buccal mucosa"), (240, 130, 140)),
    "Thyroid": (Concept("69748006", "Thyroid"), (180, 60, 120)),
    "CarotidArtery": (Concept("69105007", "Carotid Artery"), (216, 60, 60)),
    "BrachialPlexus": (Concept("36582005", "Brachial plexus"), (255, 220, 90)),
    "Maxilla": (Concept("70925003", "Maxilla"), (235, 215, 140)),
    "Lung": (Concept("39607008", "Lung"), (197, 165, 145)),
    "Body": (Concept("38266002", "Entire body"), (180, 180, 180)),
}
_TUMOURS: dict[str, tuple[Concept, Concept | None, Rgb]] = {
    "GTVp": (PRIMARY, None, (213, 94, 0)),
    "GTVt": (PRIMARY, None, (213, 94, 0)),
    "GTVn": (SECONDARY, LYMPH_NODE, (146, 43, 140)),
    "GTV": (NEOPLASM, None, (213, 94, 0)),
    "Tumour": (NEOPLASM, None, (213, 94, 0)),
}
_SPELLINGS = {"Oesophagus": "Esophagus", "Orbit": "Eye", "OpticChiasm": "Chiasm", "Tumor": "Tumour"}
_MEANT = {
    **{concept.value: name for name, (concept, _) in _ORGANS.items()},
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
        concept, region, rgb = _TUMOURS[known]
        return SegmentCode(ABNORMAL, concept, rgb, side, region)
    if known in _ORGANS:
        concept, rgb = _ORGANS[known]
        return SegmentCode(ANATOMY, concept, _shade(rgb) if side == RIGHT else rgb, side)
    return SegmentCode(TISSUE, TISSUE, _colour_of(name))


def display_rgb(name: str) -> Rgb:
    """The colour that a structure is shown in, 0 to 255; the same for the same name in every study."""
    return segment_code(name).rgb


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


def _shade(rgb: Rgb) -> Rgb:
    """Darker, so that left and right can be told apart where they meet."""
    red, green, blue = (round(0.75 * part) for part in rgb)
    return red, green, blue


def _colour_of(name: str) -> Rgb:
    """A bright colour that depends on the name alone."""
    hue = int.from_bytes(hashlib.sha256(name.encode()).digest()[:2]) / 65536
    red, green, blue = (round(255 * part) for part in colorsys.hsv_to_rgb(hue, 0.65, 0.95))
    return red, green, blue
