"""Mutation testing: every function of the scope is changed in small ways, and the tests have to notice.

Cosmic Ray supplies the mutation operators and the session file (its database of work items and results, so
its own reports read it too). This package adds what that tool leaves to its user: which mutants make sense
(`mutants`), which tests reach which function (`reach`), and a fast way to run them (`planting`, `running`):
a process that has imported and collected everything forks for each mutant, and the child puts the changed
code into the living function objects, decorated or not. Mutants of code that runs on import start from a
process that has not imported any of ours yet.
"""
