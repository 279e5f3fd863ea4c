"""What a licensed folder looks like, without what it says: a report that its holder may send.

The developers have no licensed data. This is how layouts that differ reach them: as patterns of
names, counts, sizes and dialects of files. :mod:`fertools.doctor.masking` says what keeps names,
labels and values out of it.
"""

from fertools.doctor.layouts import SETS
from fertools.doctor.markdown import to_markdown
from fertools.doctor.report import DoctorReport, examine, locate_sets

__all__ = ["SETS", "DoctorReport", "examine", "locate_sets", "to_markdown"]
