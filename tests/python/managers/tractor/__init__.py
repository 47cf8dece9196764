"""A stub of Tractor 2's Python modules, from its documentation."""
