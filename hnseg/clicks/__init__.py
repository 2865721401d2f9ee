"""Clicks: where they are put, and how a network is shown them."""
