"""From a file to structures: bytes, format, frames.

unpacking       compression and text encodings
formats         which format a file has: by name, by content
arrays          from bare arrays to a structure with its warnings
chunks          the text of each frame; has it as many atoms as it announces?
parsers         those of ASE and pymatgen, and what they raise
cif  vasp  lammps  documents  point_clouds      one module per family of formats
selection       which of them
frames          what the user calls
"""
