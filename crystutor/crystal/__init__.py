"""From a file to a cluster in standard axes.

structures          build and check a structure; its bond length
reading             structure files
databases           structures over OPTIMADE; the only user of the internet
prototypes          families of crystals, and an example of each class
defects             vacancies, displacements, substitutions
space_groups        Spglib's space group, the seven classes
bragg               Bragg peaks and the speckle between them
average_lattice     the lattice that the peaks generate
supercells          repeat, cut and turn crystals
cells               conventional cell, standard cell, cluster
"""
