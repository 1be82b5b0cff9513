"""Tests of the JavaScript alone: the real tab, editor and service worker in Chromium, with a stand-in for the core."""
