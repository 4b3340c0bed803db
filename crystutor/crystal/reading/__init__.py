"""From a file to structures: bytes, format, frames.

unpacking       compression and text encodings
formats         which format a file has: by name, by content
arrays          from bare arrays to a structure with its warnings
symmetry        the operators of a CIF block
orbits          from the sites of a CIF to all atoms of the cell
cif  vasp  lammps  documents  point_clouds      one module per family of formats
chunks          one file, many frames: the text of each
frames          what the user calls
"""
