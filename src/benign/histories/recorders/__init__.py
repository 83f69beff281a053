"""Recorders that write a log worth reading while a model trains, one file for each framework."""
