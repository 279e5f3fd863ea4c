"""The samples of a protocol, from the one manifest or the two that it names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from fertools.errors import ProtocolError
from fertools.home import derived_dir
from fertools.manifest import Manifest, read_manifest
from fertools.protocols.spec import Protocol, Selection

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Pool", "make_pool", "parse_data", "read_pool"]


@dataclass(frozen=True)
class Pool:
    """Who takes part in a protocol, and where the pictures are.

    Attributes:
        frame: One row a sample, indexed by ``sample_id`` and sorted by it: the manifests' columns,
            ``role`` (of the selection that it belongs to) and ``file`` (its picture's path).
        manifests: Role to the manifest that plays it.
        members: Role to the manifest that says who of it takes part, where there is one.
    """

    frame: pd.DataFrame
    manifests: Mapping[str, Manifest]
    members: Mapping[str, Manifest] = field(default_factory=dict)

    @property
    def synthetic(self) -> bool:
        """Whether any sample is of a stand-in."""
        return any(manifest.info.synthetic for manifest in self.manifests.values())

    @property
    def main(self) -> Manifest:
        """The manifest of those who are tested."""
        return self.manifests.get("test") or self.manifests["samples"]

    def files(self, sample_ids: Sequence[str]) -> list[Path]:
        """The pictures of some samples."""
        return [Path(file) for file in self.frame.loc[list(sample_ids), "file"]]


def parse_data(protocol: Protocol, given: Sequence[str]) -> dict[str, Path]:
    """Role to the manifest that the user names, of ``PATH`` or ``ROLE=PATH``.

    Where a role's members are said by another manifest, ``ROLE.members`` is one more role.

    Raises:
        ProtocolError: If a role is none of the protocol's or is named twice, or a path has no role
            where there are several.
    """
    roles = list(protocol.selections)
    roles += [f"{role}.members" for role, who in protocol.selections.items() if who.members]
    found: dict[str, Path] = {}
    for text in given:
        role, equals, path = text.partition("=")
        if not equals or role.partition(".")[0] not in ("samples", "train", "test", "val"):
            role, path = "", text
            if len(roles) > 1:
                raise ProtocolError(
                    f"--data {text!r}: {protocol.name} takes its samples from {len(roles)} places; "
                    f"expected ROLE=MANIFEST with a role of {', '.join(roles)}"
                )
        role = role or roles[0]
        if role not in roles or role in found:
            why = "is given twice" if role in found else f"is none of {', '.join(roles)}"
            raise ProtocolError(f"--data {text!r}: the role {role!r} {why}")
        found[role] = Path(path)
    return found


def read_pool(protocol: Protocol, data: Mapping[str, Path] | None = None) -> Pool:
    """Read the manifests of a protocol and choose who takes part.

    Args:
        protocol: The declaration.
        data: Role to manifest; the protocol's own in the data home where a role is left out.

    Raises:
        ManifestError: If there is no manifest, or it is damaged.
        ProtocolError: If a manifest is of another set, lacks a class, a value or a listed sample,
            has another number of samples than published (licensed sets only), or a sample plays two
            roles.
    """
    given = data or {}
    read = cache(read_manifest)  # one manifest may play two roles
    manifests: dict[str, Manifest] = {}
    members: dict[str, Manifest] = {}
    for role, selection in protocol.selections.items():
        manifests[role] = read(given.get(role) or derived_dir(selection.derived))
        if selection.members is not None:
            place = given.get(f"{role}.members") or derived_dir(selection.members)
            members[role] = read(place)
    return make_pool(protocol, manifests, members)


def make_pool(
    protocol: Protocol,
    manifests: Mapping[str, Manifest],
    members: Mapping[str, Manifest] | None = None,
) -> Pool:
    """Choose who takes part, of manifests that are read.

    Args:
        protocol: The declaration.
        manifests: One for each of its roles.
        members: One for each role whose members another manifest says.

    Raises:
        ProtocolError: See :func:`read_pool`.
    """
    import pandas as pd

    listed = members or {}
    parts = []
    for role, manifest in manifests.items():
        chosen = _choose(protocol, role, manifest, listed.get(role))
        files = f"{manifest.root.as_posix()}/" + chosen["image"]
        parts.append(chosen.assign(role=role, file=files))
    frame = pd.concat(parts, ignore_index=True) if len(parts) > 1 else parts[0]
    doubled = frame.loc[frame["sample_id"].duplicated(), "sample_id"]
    if len(doubled):
        raise ProtocolError(
            f"{protocol.name}: sample {doubled.iloc[0]!r} plays two roles, and so do "
            f"{len(doubled) - 1:,} more; expected different samples in {', '.join(manifests)}"
        )
    return Pool(frame.set_index("sample_id", drop=False).sort_index(), manifests, listed)


def _choose(
    protocol: Protocol, role: str, manifest: Manifest, members: Manifest | None
) -> pd.DataFrame:
    """The samples of one role, or an error that says why they do not suffice."""
    selection = protocol.selections[role]
    where = f"{manifest.path}: does not suit {protocol.name}"
    if manifest.info.dataset != selection.dataset:
        raise ProtocolError(
            f"{where}: it is of {manifest.info.dataset!r}, expected {selection.dataset!r}"
        )
    frame = manifest.frame
    for column, values in selection.where.items():
        if column not in frame.columns:
            raise ProtocolError(f"{where}: it has no column {column!r}")
        words = frame[column].astype("string")
        for value in values:
            if not (words == str(value)).any():
                raise ProtocolError(f"{where}: it has no picture of {column} {value!r}")
        frame = frame[words.isin([str(value) for value in values]).fillna(False)]
    if members is not None:
        if members.info.dataset != selection.dataset:
            raise ProtocolError(
                f"{members.path}: does not suit {protocol.name}: it is of "
                f"{members.info.dataset!r}, expected {selection.dataset!r}"
            )
        frame = _listed(where, str(members.path), members.frame["sample_id"].tolist(), frame)
    if selection.ids is not None:
        frame = _listed(where, selection.ids, protocol.listed(role), frame)
    if selection.rename:
        frame = frame.assign(expression=frame["expression"].replace(dict(selection.rename)))
    frame = frame[frame["expression"].isin(protocol.classes)]
    missing = [name for name in protocol.classes if not (frame["expression"] == name).any()]
    if missing:
        among = f" among those of {members.path}" if members is not None else ""
        raise ProtocolError(f"{where}: it has no picture of {', '.join(missing)}{among}")
    if not manifest.info.synthetic:
        _compare_counts(where, selection, frame)
    return frame


def _listed(where: str, place: str, names: Sequence[str], frame: pd.DataFrame) -> pd.DataFrame:
    """The samples of a list, all of which must be there."""
    unknown = sorted(set(names) - set(frame["sample_id"]))
    if unknown:
        raise ProtocolError(
            f"{where}: {place} names {unknown[0]!r}, which it does not have, and "
            f"{len(unknown) - 1:,} more such"
        )
    return frame[frame["sample_id"].isin(names)]


def _compare_counts(where: str, selection: Selection, frame: pd.DataFrame) -> None:
    """Raise where a licensed set has another number of samples or subjects than published."""
    people = frame["subject_id"].nunique()
    wrong = selection.expect is not None and len(frame) not in selection.expect
    if wrong or (selection.subjects is not None and people != selection.subjects):
        wanted = " or ".join(f"{number:,}" for number in selection.expect or ())
        of = f" of {selection.subjects}" if selection.subjects else ""
        raise ProtocolError(
            f"{where}: it has {len(frame):,} samples of {people} subjects, expected {wanted}{of}; "
            "for a part of the set declare your own protocol: copy the YAML, change 'name' and "
            "'expect', and give its path"
        )
