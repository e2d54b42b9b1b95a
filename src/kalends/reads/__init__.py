"""What may be asked: the tuned queries, each given the transaction and the actor who asks."""
