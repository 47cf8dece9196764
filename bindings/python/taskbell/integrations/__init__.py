"""Reports of programs that others wrote, each by the callback that its host offers.

A module here imports its host: ``from taskbell.integrations.transformers import TaskbellCallback``.
"""
