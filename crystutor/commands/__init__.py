"""The commands of ``crystutor``.

console             lines for any terminal
inputs              from the arguments to structures
records             an answer as a line, as JSON and as CSV
classify, reproduce, lab    the commands
"""
