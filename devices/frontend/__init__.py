"""Front-ends: what turns raw samples into the network's input, alike in Python and on the device.

Every front-end is a record of its settings with one arithmetic in two places:
numpy here, for training and scoring, and a C++ source in ``templates`` for the
device.  Both add and multiply the same single-precision numbers in the same
order, and take every table from here, so that their results are equal bit for
bit wherever the compiler does not fuse multiplications and additions.
"""
