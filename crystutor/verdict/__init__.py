"""From a structure to the name of its crystal class.

evidence            what a structure shows without the network
classification      the answer
witnesses           network against average structure, and when to say nothing
classifier          classify: one structure or many, here or in workers
"""
