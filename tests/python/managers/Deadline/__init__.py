"""A stub of Deadline 10's scripting API, from the Deadline Scripting Reference."""
