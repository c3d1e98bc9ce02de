"""Network in, smaller artifact out.

The second storey: it may import `devices`, TensorFlow and tfmot, and knows
nothing of trials, jobs or data loaders.  TensorFlow is imported inside the
functions that need it, so that settings can be read without it.
"""
