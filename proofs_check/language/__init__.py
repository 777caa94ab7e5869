"""The language of statements: grammar, tree, reader, evaluation on one network."""
