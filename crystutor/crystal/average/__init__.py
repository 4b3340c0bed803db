"""The average crystal: its cell, and what all cells on top of each other look like.

cell            the conventional cell of a sample's lattice
folding         all cells on top of each other, and the sites where atoms gather
ordering        on which lattice and sites elements and vacancies are ordered
symmetry        the highest space group that the sites do not exclude
structure       occupancies and space groups of the average
"""
