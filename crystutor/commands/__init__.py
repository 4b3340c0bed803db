"""The commands of ``crystutor``.

console             lines for any terminal; long work and its folder
inputs              from the arguments to structures
records             an answer as a line, as JSON and as CSV
student_copies      notebooks without outputs, their solutions folded
classify, map, reproduce, lab    the commands
"""
