"""The symmetry that a file tells, and what it makes of the sites.

operators       rotations and translations: texts, products, groups
tables          the operators of a Hall symbol, a name, a number
blocks          what a data block of a CIF tells
orbits          from sites to all atoms of the cell
occupancies     sites that elements share
"""
