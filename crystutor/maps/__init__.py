"""What is where in a larger sample: windows, grains, orientations.

orientations    rotations of crystals, reduced by their symmetry
polycrystals    samples of several grains, to try it on
boxes           parts of a sample, each with what is around it
windows         lattice, class and orientation around a point
survey          all windows of a sample, here or in workers
grains          neighbouring windows of one class and orientation
atoms           which grain an atom belongs to
structure_map   windows, grains, the grain of each atom; its files
mapping         map_structure: all of it, here or in workers
colors          colours of orientations, as in an inverse pole figure
slices          which atoms a slice holds
figures         slices and pole figures of a map
"""
