"""Radiomics: first-order, shape and texture features inside a mask, by the definitions of the IBSI.

Names and definitions are those of pyradiomics 3.0.1 (van Griethuysen et al. 2017, doi:10.1158/0008-5472.CAN-17-0339),
which needs a C compiler and does not build on Python 3.12; each module says where the Image Biomarker Standardisation
Initiative (Zwanenburg et al. 2020, doi:10.1148/radiol.2020191145) defines a feature differently.
"""

from hnseg.radiomics.extract import extract
from hnseg.radiomics.settings import DEFAULTS, Settings

__all__ = ["DEFAULTS", "Settings", "extract"]
