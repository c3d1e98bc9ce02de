"""Network bodies sized for microcontrollers, one a file, each an ``autokeras.Block``.

A block takes an image (or features) and gives a flat vector; the head follows
in `spaces.graphs`.  `geometry` says without any framework what may be drawn
for an input of a given size; the other modules import AutoKeras and with it
TensorFlow, so they are imported inside functions only.
"""
