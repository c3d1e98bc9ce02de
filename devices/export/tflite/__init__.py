"""Target ``tflite``: the model file with its labels, its description and its model card."""
