"""The reference OPTIMADE server with four elements, for `test_databases`.

python tests/optimade_server.py FOLDER    prints its address
"""

import json
import socket
import sys
from pathlib import Path

import uvicorn
from optimade.server.config import ServerConfig
from optimade.server.create_app import create_app

from crystutor import build_prototype

CRYSTALS = (("fcc", "Cu"), ("bcc", "W"), ("hcp", "Mg"), ("diamond", "Si"))


def entry(name, element):
    crystal = build_prototype(name, element)
    attributes = {
        "elements": [element],
        "nelements": 1,
        "elements_ratios": [1.0],
        "chemical_formula_descriptive": element,
        "chemical_formula_reduced": element,
        "chemical_formula_anonymous": "A",
        "dimension_types": [1, 1, 1],
        "nperiodic_dimensions": 3,
        "lattice_vectors": crystal.lattice.matrix.tolist(),
        "cartesian_site_positions": crystal.cart_coords.tolist(),
        "nsites": len(crystal),
        "species": [{"name": element, "chemical_symbols": [element], "concentration": [1.0]}],
        "species_at_sites": [element] * len(crystal),
        "structure_features": [],
        "last_modified": {"$date": "2026-01-01T00:00:00Z"},
    }
    return {"id": f"test-{element}", "type": "structures", "attributes": attributes}


def main(folder):
    data = Path(folder) / "structures.jsonl"
    lines = [{"x-optimade": {"meta": {"api_version": "1.1.0"}}}, *(entry(*c) for c in CRYSTALS)]
    data.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    config = ServerConfig(
        insert_from_jsonl=data, insert_test_data=False, log_dir=folder, page_limit=2
    )
    listening = socket.create_server(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listening.getsockname()[1]}/", flush=True)
    uvicorn.Server(uvicorn.Config(create_app(config), log_level="error")).run([listening])


if __name__ == "__main__":
    main(sys.argv[1])
