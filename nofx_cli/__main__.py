"""`nofx`, and `python -m nofx_cli`."""

from nofx_cli.cli.app import main

if __name__ == "__main__":
    main()
