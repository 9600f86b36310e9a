"""`python -m tests.documents`: write the pages."""

from tests.documents import FOLDER, made

for name, text in made().items():
    path = FOLDER / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
