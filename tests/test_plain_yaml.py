"""The reader of our own YAML files."""

import pytest
from plain_yaml import read_yaml


def test_blocks_lists_and_scalars_are_read() -> None:
    """As YAML means them, numbers and booleans included."""
    text = """
# a comment
name: x
ports:
  - "127.0.0.1:1:1"
  - plain
list: ["a", "b"]
deep:
  empty:
  yes-and-no: false
  devices:
    - driver: nvidia
      count: 1
      nested:
        more: 2
    - driver: other
"""
    assert read_yaml(text) == {
        "name": "x",
        "ports": ["127.0.0.1:1:1", "plain"],
        "list": ["a", "b"],
        "deep": {
            "empty": None,
            "yes-and-no": False,
            "devices": [{"driver": "nvidia", "count": 1, "nested": {"more": 2}}, {"driver": "other"}],
        },
    }


@pytest.mark.parametrize(
    "text", ["a: &x 1", "a: *x", "a: {b: 1}", "a: |", "a: 1\na: 2", "just words", "a:\n    b: 1\n  c: 2", "- x\nb: 1"]
)
def test_more_of_yaml_is_an_error(text: str) -> None:
    """Rather than a wrong value."""
    with pytest.raises(ValueError, match=r"not understood|Expecting"):
        read_yaml(text)
