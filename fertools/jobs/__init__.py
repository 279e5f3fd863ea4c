"""Work that takes long: whole files or none, progress, and several processes."""

from fertools.jobs.atomic import atomic_path, remove_partials, write_bytes, write_json, write_text
from fertools.jobs.pool import run_tasks
from fertools.jobs.progress import progress

__all__ = [
    "atomic_path",
    "progress",
    "remove_partials",
    "run_tasks",
    "write_bytes",
    "write_json",
    "write_text",
]
