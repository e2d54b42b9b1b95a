"""The reads: optimized queries, each with the transaction and the actor as arguments."""
