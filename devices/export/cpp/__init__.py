"""Target ``cpp``: C++ sources for TensorFlow Lite Micro."""
