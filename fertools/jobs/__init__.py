"""Work that takes long: whole files or none, progress, shards, processes and machines."""

from fertools.jobs.atomic import (
    atomic_path,
    place_file,
    remove_partials,
    write_bytes,
    write_bytes_soon,
    write_json,
    write_text,
)
from fertools.jobs.csv_text import csv_text
from fertools.jobs.folder_lock import hold_folder
from fertools.jobs.notes import read_note, text_digest
from fertools.jobs.pool import run_tasks
from fertools.jobs.progress import progress
from fertools.jobs.shards import Shard

__all__ = [
    "Shard",
    "atomic_path",
    "csv_text",
    "hold_folder",
    "place_file",
    "progress",
    "read_note",
    "remove_partials",
    "run_tasks",
    "text_digest",
    "write_bytes",
    "write_bytes_soon",
    "write_json",
    "write_text",
]
