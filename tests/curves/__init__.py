"""Tests of benign.curves."""
