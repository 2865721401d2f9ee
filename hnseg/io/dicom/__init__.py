"""DICOM in and out. Import its modules where they are needed: pydicom is slow to load."""
