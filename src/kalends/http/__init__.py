"""HTTP for all entry points: requests, authentication, limits, conditions and errors, and the front of the server."""
