"""hnseg: train, compare and apply networks that outline tumours and organs in head-and-neck CT, PET and PET/CT."""

__version__ = "0.1.0"
