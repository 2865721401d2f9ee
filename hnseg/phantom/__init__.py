"""An anatomical head-and-neck PET/CT phantom, and writers of the raw layouts of the data sets that hnseg reads."""

from hnseg.phantom.centres import CENTRES, Centre
from hnseg.phantom.dicom import write_dicom
from hnseg.phantom.hazards import hazards
from hnseg.phantom.hecktor import write_hecktor
from hnseg.phantom.patient import PhantomPatient, make_patient
from hnseg.phantom.pddca import write_pddca
from hnseg.phantom.plan import PatientPlan, plan_patient
from hnseg.phantom.turku import write_turku

__all__ = [
    "CENTRES",
    "Centre",
    "PatientPlan",
    "PhantomPatient",
    "hazards",
    "make_patient",
    "plan_patient",
    "write_dicom",
    "write_hecktor",
    "write_pddca",
    "write_turku",
]
