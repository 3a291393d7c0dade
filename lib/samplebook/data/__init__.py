"""Real data and models that ship inside packages, and the book's own small models."""
