"""From a file to a cluster in standard axes.

samples             atoms in a box that repeats along all, some or none of its axes
structures          build and check a structure; its bond length
symmetry            the operators that a file tells, and the atoms that they make
reading             structure files: every frame, with warnings
databases           structures over OPTIMADE; the only user of the internet
prototypes          families of crystals, and an example of each class
defects             vacancies, displacements, substitutions
space_groups        Spglib's space group, the seven classes
lattice             the translations of a crystal: move it, and see where atoms land
supercells          repeat, cut and turn crystals
average             the cell and the structure of the average crystal
cells               standard cell, cluster
"""
