"""Clicks: where they are put, and how a network is shown them."""

from hnseg.clicks.channels import ClickChannels
from hnseg.clicks.encode import DiskEncoding, EdtEncoding, Encoding, GaussianEncoding, PointEncoding
from hnseg.clicks.none import NoClicks
from hnseg.clicks.place import on_grid
from hnseg.clicks.plain import from_dict
from hnseg.clicks.simulate import centre_clicks, displaced, random_clicks, robot_click, wrong_place

__all__ = [
    "ClickChannels",
    "DiskEncoding",
    "EdtEncoding",
    "Encoding",
    "GaussianEncoding",
    "NoClicks",
    "PointEncoding",
    "centre_clicks",
    "displaced",
    "from_dict",
    "on_grid",
    "random_clicks",
    "robot_click",
    "wrong_place",
]
