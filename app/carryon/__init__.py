"""Carryon: a notebook that lives on the device. What each package is for and may import stands in the architecture."""
