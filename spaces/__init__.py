"""What may be drawn: architectures, compression plans, training recipes.

The third storey: it may import `compressors`, `devices`, AutoKeras and
KerasTuner, and Optuna only as the type of a trial.
"""
