"""x."""

import typer

app = typer.Typer()


@app.command()
def up() -> None:
    """U."""
    import time

    try:
        print("up")
        time.sleep(100)
    except KeyboardInterrupt:
        print("bye")


@app.command()
def demo() -> None:
    """U."""
