"""The reproduction of Table 1 of the paper, and of more levels of damage.

damage_levels       how the crystals are damaged
baselines           Spglib, OVITO, MatID: methods to compare with
recipes             the networks of the table and of the ablation
run_folder          parameters, ownership and times of a run
outsiders           crystals of none of the classes
damaged_crystals    what is known of a damaged crystal without a network
benchmark           every method on the same damaged crystals
reliability         probabilities against right answers, both witnesses, outsiders
figures             accuracy over damage, confusion
report              counts to tables
reproduce           the steps in order
"""
