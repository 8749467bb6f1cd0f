"""`python -m vidtag`."""

from vidtag.cli import main

main()
