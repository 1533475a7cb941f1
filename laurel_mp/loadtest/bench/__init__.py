"""The benchmark: the real pipeline and its peers at the same work, in turn, again and again."""
