"""Lets `python -m framebatch.cli` be the command `framebatch`, where no script is installed."""

from framebatch.cli import main

if __name__ == "__main__":
    main()
