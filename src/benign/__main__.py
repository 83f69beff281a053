"""``python -m benign``."""

from benign.cli import main

if __name__ == "__main__":
    main()
