"""Backups of a store: written beside running work, proved byte by byte, and put back whole or not at all."""
