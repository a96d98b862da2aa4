"""What keeps a log from being seen: problems of the environment and of a log directory."""

from sightline.health.doctor.complaint import Checkup, Complaint, worst
from sightline.health.doctor.examination import examine_environment, examine_log
from sightline.health.doctor.storage import check_storage, gather_storage

__all__ = [
    "Checkup",
    "Complaint",
    "check_storage",
    "examine_environment",
    "examine_log",
    "gather_storage",
    "worst",
]
