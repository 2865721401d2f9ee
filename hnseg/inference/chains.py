"""Which post-processing belongs to checkpoints when the user chooses none: carried by them, or tuned for a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import yaml

from hnseg.inference.checkpoint import Checkpoint
from hnseg.postprocess import Postprocess

TUNED = "postprocess.yaml"
"""In the folder of a run or of a cross-validation: the chain that tuning chose for it."""


def carried_chain(checkpoints: Sequence[Checkpoint]) -> Postprocess:
    """The chain that all checkpoints carry.

    Raises:
        ValueError: two carry different ones.
    """
    return only_chain({str(checkpoint.path): checkpoint.postprocess for checkpoint in checkpoints})


def tuned_chain(folder: Path) -> Postprocess | None:
    """The chain that tuning left in a folder; None where nothing was tuned.

    Raises:
        ValueError: the file is no YAML, or names what is no step of hnseg.
    """
    path = folder / TUNED
    if not path.is_file():
        return None
    try:
        plain = yaml.safe_load(path.read_text())
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} cannot be read ({error}); tune again, or choose with postprocess=...") from error
    return Postprocess.from_dict(plain, str(path))


def only_chain(chains: dict[str, Postprocess]) -> Postprocess:
    """The one chain that all sources agree on; ``chains`` is the source's name to its chain, at least one.

    Raises:
        ValueError: two differ, in steps, settings or order.
    """
    (first, chain), *others = chains.items()
    for other, theirs in others:
        if not same_chain(chain, theirs):
            raise ValueError(
                f"{first} and {other} carry different post-processing ({_in_words(chain)}; {_in_words(theirs)}): "
                "choose one for all of them with postprocess=crf or postprocess=[crf,drop_small], "
                "or the networks' own answer with postprocess=none"
            )
    return chain


def same_chain(first: Postprocess, second: Postprocess) -> bool:
    """Whether two chains have the same steps with the same settings in the same order."""
    return list(first.to_dict().items()) == list(second.to_dict().items())


def _in_words(chain: Postprocess) -> str:
    return str(chain.to_dict()) if chain else "none"
