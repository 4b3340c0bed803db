"""What is where in a larger sample: windows, grains, orientations.

orientations    rotations of crystals, reduced by their symmetry
colors          colours of orientations, as in an inverse pole figure
polycrystals    samples of several grains, to try it on
boxes           parts of a sample, each with a margin
windows         lattice, class and orientation around a point
atoms           which grain an atom belongs to
grains          neighbouring windows of one class and orientation
structure_map   map_structure: all of it, here or in workers
slices          which atoms a slice holds
figures         slices and pole figures of a map
"""
