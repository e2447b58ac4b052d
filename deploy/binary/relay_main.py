"""Be the program that the binary runs: the same door as the `relay` command."""

from relay.cli import main

if __name__ == "__main__":
    main(prog_name="relay")
