"""The figures that the paper prints, table by table, and an audit of them."""

from fertools.published.audit import audit_published
from fertools.published.findings import Audit, Check, Sizes, audit_json
from fertools.published.reader import PublishedCell, PublishedTable, published_tables, read_tables

__all__ = [
    "Audit",
    "Check",
    "PublishedCell",
    "PublishedTable",
    "Sizes",
    "audit_json",
    "audit_published",
    "published_tables",
    "read_tables",
]
