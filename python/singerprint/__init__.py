"""Embeddings of who is singing."""
