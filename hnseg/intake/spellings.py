"""Other structures than the nine organs of MICCAI 2015, and what hospitals call them.

Names of TG-263 (Mayo et al. 2018, doi:10.1016/j.ijrobp.2017.12.013) and their parts in either order, what English
departments wrote before it, then Latin, German, French, Italian, Spanish and Dutch. A spelling that more than one
structure could claim stands nowhere: ``GTV`` alone may be the tumour or tumour and nodes, ``medulla`` the cord or the
oblongata, ``orbit`` the eye or its socket, ``cerebrum`` the brain with or without the cerebellum, ``SPC`` the cord or a
constrictor.
"""

from __future__ import annotations

from collections.abc import Iterator

UNPAIRED = {
    "Brain": "brain, whole brain, gehirn, hirn, cerveau, encephale, cervello, encefalo, cerebro, hersenen",
    "Cerebellum": "cerebellum, kleinhirn, cervelet, cervelletto, cerebelo, kleine hersenen",
    "Esophagus": "esophagus, oesophagus, speiseroehre, oesophage, esofago, oesofagus, slokdarm",
    "Glottis": "glottis, glottic larynx, larynx glottic, glotte",
    "GTVn": "gtvn, gtv n, gtv node, gtv nodes, gtv nodal, gtv ln, nodal gtv, gtv lk, gtv lymph node, gtv lymph nodes",
    "GTVt": (
        "gtvt, gtvp, gtv t, gtv p, gtv primary, gtv prim, primary gtv, gtv tumor, gtv tumour, gtv primarius, gtv "
        "primaire, tumor, tumour, primary tumor, primary tumour, primaertumor, tumeur, tumeur primaire, tumore, "
        "tumore primario, tumor primario, primaire tumor"
    ),
    "Larynx": "larynx, kehlkopf, laringe, strottenhoofd",
    "Lips": "lips, lip, lippen, lippe, levres, labbra, labios",
    "OralCavity": (
        "oral cavity, cavity oral, oral cav, cavum oris, mundhoehle, cavite buccale, cavite orale, cavita orale, "
        "cavo orale, cavidad oral, mondholte"
    ),
    "PharynxConstrictor": (
        "musc constrict, musc constrictor, pharynx constrictor, pharynx constrictors, pharynx const, pharynx "
        "constr, pharyngeal constrictor, pharyngeal constrictors, pharyngeal constrictor muscle, pharyngeal "
        "constrictor muscles, constrictor pharyngis, pharyngeal constr, constrictors, pcm, schlundmuskulatur, "
        "schlundschnuerer, constricteur du pharynx, constricteurs du pharynx, muscles constricteurs du pharynx, "
        "costrittori faringei, costrittori, constrictores faringe, constrictor faringeo, constrictores faringeos"
    ),
    "PharynxConstrictor_I": (
        "musc constrict i, inferior pharyngeal constrictor, pharyngeal constrictor inferior, inferior "
        "constrictor, pcm inf, inf pcm, pcm inferior, inferior pcm, constrictor pharyngis inferior, ipcm, pharynx "
        "const inf"
    ),
    "PharynxConstrictor_M": (
        "musc constrict m, middle pharyngeal constrictor, pharyngeal constrictor middle, middle constrictor, pcm "
        "mid, mid pcm, pcm middle, middle pcm, pcm medius, constrictor pharyngis medius, mpcm, pharynx const mid"
    ),
    "PharynxConstrictor_S": (
        "musc constrict s, superior pharyngeal constrictor, pharyngeal constrictor superior, superior "
        "constrictor, pcm sup, sup pcm, pcm superior, superior pcm, constrictor pharyngis superior, spcm, pharynx "
        "const sup"
    ),
    "Pituitary": (
        "pituitary, pituitary gland, glnd pituitary, gland pituitary, hypophysis, hypophysis cerebri, hypophyse, "
        "ipofisi, hipofisis, hypofyse"
    ),
    "SpinalCanal": (
        "spinal canal, canal spinal, canalis spinalis, spinalkanal, canal medullaire, canale spinale, wervelkanaal"
    ),
    "SpinalCord": (
        "spinal cord, cord, cord spinal, sp cord, spine cord, spinal crd, medulla spinalis, myelon, myelum, "
        "rueckenmark, moelle, moelle epiniere, midollo, midollo spinale, medula, medula espinal, ruggenmerg"
    ),
    "SupraglotticLarynx": (
        "larynx sg, supraglottis, supraglottic larynx, larynx supraglottic, supraglottischer larynx"
    ),
    "Thyroid": (
        "thyroid, thyroid gland, glnd thyroid, gland thyroid, thyreoidea, glandula thyreoidea, glandula "
        "thyroidea, schilddruese, thyroide, glande thyroide, tiroide, tiroides, glandula tiroides, schildklier"
    ),
    "Trachea": "trachea, luftroehre, trachee, traquea, luchtpijp",
}

PAIRED = {
    "BrachialPlexus": (
        "brachial plexus, brachial plex, brach plexus, brach plex, plexus brachial, plex brachial, plexus "
        "brachialis, plesso brachiale, plexo braquial"
    ),
    "Carotid": "carotid, a carotid, carotid artery, carotis, arteria carotis, carotide, arteria carotide",
    "Cochlea": "cochlea, coclea, cochlee, slakkenhuis",
    "Eye": (
        "eye, eyeball, eye ball, globe, bulbus, bulbus oculi, auge, augapfel, oeil, globe oculaire, occhio, bulbo "
        "oculare, ojo, globo ocular, oog, oogbol"
    ),
    "Hippocampus": "hippocampus, hippocampe, ippocampo, hipocampo",
    "InnerEar": (
        "inner ear, ear internal, internal ear, innenohr, oreille interne, orecchio interno, oido interno, binnenoor"
    ),
    "Lacrimal": (
        "lacrimal, lacrimal gland, lacrimal glnd, glnd lacrimal, gland lacrimal, lachrymal gland, glandula "
        "lacrimalis, gl lacrimalis, traenendruese, glande lacrymale, ghiandola lacrimale, glandula lagrimal, "
        "traanklier"
    ),
    "Lens": "lens, eye lens, linse, augenlinse, cristallin, cristallino, cristalino, ooglens",
    "TemporalLobe": (
        "temporal lobe, lobe temporal, temp lobe, lobus temporalis, temporallappen, schlaefenlappen, lobo "
        "temporale, lobo temporal, temporaalkwab, temporale kwab"
    ),
    "TemporomandibularJoint": (
        "tmj, tm joint, joint tm, temporomandibular joint, kiefergelenk, articulation temporo mandibulaire, "
        "kaakgewricht"
    ),
}

FRENCH = frozenset(
    (
        "parotide", "glandeparotide", "submandibulaire", "glandesubmandibulaire", "sousmaxillaire",
        "glandesousmaxillaire", "nerfoptique", "oeil", "globeoculaire", "cristallin", "cochlee", "oreilleinterne",
        "glandelacrymale", "lobetemporal", "plexusbrachial", "carotide", "articulationtemporomandibulaire",
        "hippocampe",
    )
)  # fmt: skip
"""Spellings to which ``D`` says right and ``G`` left; to others a ``D`` may say deep, or dose."""


def written(spellings: str) -> Iterator[str]:
    """The spellings of one structure, those with ``oe`` also as an umlaut without its dots is: ``o``."""
    for spelling in spellings.split(", "):
        yield spelling
        yield spelling.replace("ae", "a").replace("oe", "o").replace("ue", "u")
