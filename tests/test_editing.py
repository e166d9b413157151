"""framebatch.edge.security.editing: entries come and go, and what people wrote stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framebatch.edge.security.editing import with_entry, without_entry
from framebatch.edge.security.entries import Entry, check_name, read_entries
from framebatch.edge.security.roles import Role
from framebatch.edge.security.tokens import digest
from framebatch.errors import UsageError

TEXT = """# access of hall 2

[press-3]  # by the door
role = "camera"
cameras = [
    "press-3",
]
token = "sha256:1"

# the belts
["belt.1"]
role = "camera"
token = "sha256:2"
# end of hall 2
"""


def test_an_entry_is_added_at_the_end() -> None:
    """What is the default is not written."""
    entry = Entry(name="ada", role=Role.OPERATOR, token="sha256:3")
    assert with_entry(TEXT, entry) == TEXT + '\n[ada]\nrole = "operator"\ntoken = "sha256:3"\n'
    own = Entry(name="a", role=Role.CAMERA, cameras=("a",), certificate="c")
    assert with_entry("", own) == '[a]\nrole = "camera"\ncertificate = "c"\n'


def test_an_entry_is_removed_with_its_lines() -> None:
    """Comments above the next one stay, and those at the end."""
    left = '# access of hall 2\n\n# the belts\n["belt.1"]\nrole = "camera"\ntoken = "sha256:2"\n# end of hall 2\n'
    assert without_entry(TEXT, "press-3") == left
    assert without_entry("[a]\n\n[b]\n", "a") == "[b]\n"
    assert without_entry(left, "belt.1") == "# access of hall 2\n\n# the belts\n# end of hall 2\n"


@pytest.mark.parametrize(
    "text",
    ['a = { role = "camera" }\n', 'a.role = "camera"\n', '[b]\nrole = """\n[a]\n"""\n[c]\n[a.d]\n', "[b]\n"],
)
def test_what_cannot_be_cut_safely_is_left_to_people(text: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(UsageError, match=r"the lines of \[a\] cannot be told from others; remove them by hand"):
        without_entry(text, "a")


NAMES = st.text(min_size=1, max_size=20).filter(lambda name: not check_name(name))


@given(st.lists(NAMES, unique=True, min_size=1, max_size=5), st.data())
def test_whatever_the_names_are_entries_come_and_go(names: list[str], data: st.DataObject) -> None:
    """What was added is read as it was given, and removing one leaves the others."""
    entries = [
        Entry(name=name, role=Role.CAMERA, cameras=(name, "x*"), token=digest(name), certificate=name) for name in names
    ]
    text = ""
    for entry in entries:
        text = with_entry(text, entry)
    assert read_entries(text, "") == tuple(entries)
    gone = data.draw(st.sampled_from(entries))
    assert read_entries(without_entry(text, gone.name), "") == tuple(each for each in entries if each != gone)
