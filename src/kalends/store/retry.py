"""What an engine raises when a transaction lost a race and is worth another try."""


class Contended(Exception):
    """The engine gave up on a transaction that changed nothing: run it again from its start."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
