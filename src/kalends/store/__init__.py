"""The store: the tables, one interface to two database engines, and one module of statements for each kind of row."""
