"""Explorers for notebooks.

views               atoms in NGL; all of them inside the view
panel               controls, a view and a figure
uploads             files that are uploaded
scenes              what a panel shows, as pure functions
map_scenes          the same, of a map; its atoms in its colours
explorers           the panels
live_curve          the loss while a network learns
"""
