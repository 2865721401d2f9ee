"""An anatomical head-and-neck PET/CT phantom and writers of the raw layouts of the data sets that hnseg reads."""
