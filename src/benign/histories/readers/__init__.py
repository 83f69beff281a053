"""Readers of training logs, one file for each kind of tool."""
