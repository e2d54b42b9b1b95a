"""Where rows live: the tables, the two engines behind one database, and one module of statements a noun."""
