"""An answer as a line, as an object of JSON and as a row of CSV."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from pymatgen.core import Structure

from crystutor.crystal.samples import Atoms, is_periodic
from crystutor.crystal.space_groups import space_group
from crystutor.verdict.classification import Classification

SCHEMA = 3  # of the JSON; 2 was a list, 1 had no overlap, reason and warnings
TOLERANCES = (0.001, 0.01, 0.1)  # [Å]
MOST_ATOMS_FOR_SPGLIB = 2000  # its time grows with their square
COLUMNS = (
    "file",
    "formula",
    "n_atoms",
    "class",
    "probability",
    "space_group",
    "symbol",
    "site_space_group",
    "bravais",
    "strain",
    "overlap",
    "reason",
    "note",
    "warnings",
    "error",
)


def record_of(name: str, structure: Atoms, answer: Classification) -> dict[str, Any]:
    """All that is known about a structure, for `json_line` and `csv_line`."""
    return {
        "schema": SCHEMA,
        "file": name,
        "formula": structure.composition.reduced_formula,
        "n_atoms": len(structure),
        "class": answer.label,
        "class_of": "sites, elements ignored",
        "probability": answer.probability,
        "probabilities": answer.probabilities,
        "space_group": _group(answer.space_group, answer.symbol),
        "site_space_group": _group(
            answer.site_space_group, answer.average.site_symbol if answer.average else ""
        ),
        "cell": answer.cell.describe() if answer.cell else None,
        "overlap": answer.overlap,
        "reason": answer.reason,
        "note": answer.note,
        "warnings": list(answer.warnings),
    }


def error_record(name: str, message: str) -> dict[str, Any]:
    """What is left of a file that could not be classified."""
    return {"schema": SCHEMA, "file": name, "error": message}


def json_line(record: Mapping[str, Any]) -> str:
    """Write a record as one line of JSON, in ASCII."""
    return json.dumps(record)


def csv_line(record: Mapping[str, Any]) -> str:
    """Write a record as one row of CSV, with `COLUMNS`."""
    cell, group, sites = (record.get(k) or {} for k in ("cell", "space_group", "site_space_group"))
    flat = {
        **record,
        **{key: cell.get(key) for key in ("bravais", "strain")},
        "space_group": group.get("number"),
        "symbol": group.get("symbol"),
        "site_space_group": sites.get("number"),
        "warnings": "; ".join(record.get("warnings", ())),
    }
    return row_of([flat.get(column) for column in COLUMNS])


def row_of(values: Sequence[Any]) -> str:
    """Write values as a row of CSV."""
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(values)
    return text.getvalue()


def line_of(
    name: str, structure: Atoms, answer: Classification, spglib: Mapping[str, Any] | None = None
) -> str:
    """Say an answer in one line; the warnings come last."""
    n_atoms = f"{len(structure)} {'atom' if len(structure) == 1 else 'atoms'}"
    parts = [answer.describe()]
    if spglib and spglib["spglib"]:
        groups = (
            f"{group or 'none'} at {symprec} Å" for symprec, group in spglib["spglib"].items()
        )
        parts.append(f"Spglib: space group {', '.join(groups)}")
    elif spglib:
        parts.append(spglib["spglib_note"])
    parts += [f"warning: {warning}" for warning in answer.warnings]
    return f"{name}: {structure.composition.reduced_formula}, {n_atoms}: {'; '.join(parts)}"


def spglib_of(structure: Atoms) -> dict[str, Any]:
    """Spglib's groups of a structure as it is, or why they are missing."""
    if not isinstance(structure, Structure) or not is_periodic(structure):
        return {"spglib": None, "spglib_note": "Spglib was not tried on a finite sample"}
    if len(structure) > MOST_ATOMS_FOR_SPGLIB:
        note = f"Spglib was not tried on more than {MOST_ATOMS_FOR_SPGLIB} atoms"
        return {"spglib": None, "spglib_note": note}
    return {"spglib": {str(symprec): space_group(structure, symprec) for symprec in TOLERANCES}}


def _group(number, symbol):
    return None if number is None else {"number": number, "symbol": symbol}
