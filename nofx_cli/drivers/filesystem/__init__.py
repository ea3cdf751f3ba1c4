"""Runs as folders of files under one root."""
