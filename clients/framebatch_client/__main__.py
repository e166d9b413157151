"""``python -m framebatch_client`` is ``framebatch-camera``; nothing else belongs here."""

from framebatch_client.cli import main

if __name__ == "__main__":
    main()
