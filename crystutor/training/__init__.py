"""Crystals to learn from, and the fit.

random_crystals     which crystals, and how they vary
dataset             images with labels
fit                 epochs and checkpoints
"""
