"""Keys of a notebook and everything sealed with them.

What moves sealed bytes lies in `carryon_sync`; what opens and seals them lies here and nowhere else.
"""
