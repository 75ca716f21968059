"""Runs AWS emulators on this machine without Docker, and deploys to them.

Standard library only: this code makes the environments in which everything else is installed.
"""
