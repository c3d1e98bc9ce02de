"""The service: a job in, a Pareto front out.

The topmost storey.  Importing `search.cli`, reading a run and showing its
front work without importing TensorFlow.
"""
