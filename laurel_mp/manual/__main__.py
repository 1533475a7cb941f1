"""`python -m laurel_mp.manual`, at the top of the source tree: writes the generated pages."""

from pathlib import Path

from laurel_mp.manual.pages import pages


def main() -> None:
    """Writes the generated files below the current directory."""
    for name, text in pages(Path()).items():
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
