"""Training crystals, and the fit.

random_crystals     sampled crystals, and how they vary
beam                what else is in the beam: an amorphous film, a foreign grain
dataset             images with labels
fit                 epochs and checkpoints
calibration         a temperature for the probabilities, and their error
"""
