"""What a board holds, what a network costs on it, and what is shipped to it.

The lowest storey: it imports numpy, a flatbuffer schema and the standard
library, and never an ML framework or anything of the storeys above.
"""
