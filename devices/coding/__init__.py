"""How a model file travels: Huffman-coded, and decoded by a few lines of C on the device."""
