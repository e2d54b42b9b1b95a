"""`python -m kalends` is the `kalends` command."""

from kalends.cli import main

if __name__ == "__main__":
    main()
