"""Figures: every function draws into given axes, or new ones, and returns them.

axes                new axes; the colours of the classes
images              fingerprints, differences, response maps
answers             probabilities, paths, trajectories
atoms               structures
"""
