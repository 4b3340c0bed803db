"""Training crystals, and the fit.

random_crystals     sampled crystals, and how they vary
dataset             images with labels
fit                 epochs and checkpoints
"""
