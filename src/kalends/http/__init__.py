"""How requests reach the application: read with deadlines, sorted into lanes, answered by threads."""
