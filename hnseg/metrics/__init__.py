"""Measures of one prediction against one truth: overlap, surfaces, and both grouped by case."""
