"""The one recursion, read in different arithmetics; one file per reading."""
