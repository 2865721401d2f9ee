"""Radiomics: first-order, shape and texture features inside a mask, by the definitions of the IBSI."""
