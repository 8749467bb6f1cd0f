"""Models: the registry of aliases, loading and checking, and the engines that run them."""
