"""The translations of a crystal: move it, and see how many atoms land on atoms.

atom_map        which atom is here
moved_atoms     some atoms of a sample, and where they land when they are moved
candidates      vectors that move many atoms onto atoms
sublattices     the lattice that vectors generate, and the coarser ones in it
evidence        how sure a difference or a coincidence is
search          the lattice that moves most atoms onto atoms
translations    the lattice of a sample, or the reason why it has none
bravais         the symmetric lattices that a measured one may stand for
turns           is the crystal as symmetric as its lattice?
"""
