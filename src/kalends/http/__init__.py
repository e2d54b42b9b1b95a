"""HTTP for all entry points: requests, authentication, limits, conditions, errors, and the front of the server."""
