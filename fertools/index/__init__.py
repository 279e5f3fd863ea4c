"""A data set's folder to its manifest: layouts read, files measured, counts compared."""

from fertools.index.counts import CountDifference, compare_counts
from fertools.index.job import IndexSummary, index_dataset

__all__ = ["CountDifference", "IndexSummary", "compare_counts", "index_dataset"]
