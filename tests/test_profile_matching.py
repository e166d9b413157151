"""framebatch.profile.matching: whether a profile holds here."""

from __future__ import annotations

from profiles import make_fingerprint

from framebatch.profile.matching import Difference, differences, mismatch


def test_equal_fingerprints_do_not_differ() -> None:
    """There is nothing to say either."""
    assert differences(make_fingerprint(), make_fingerprint()) == []
    assert mismatch([]) == ""


def test_every_differing_field_is_named_each_option_by_itself() -> None:
    """In the order of the fields; an option that only one has is not set in the other; equal ones are left out."""
    here = make_fingerprint(driver="575.2", options={"threads": "2", "tf32": "1", "fp16": "0"})
    there = make_fingerprint(driver="570.1", options={"threads": "4", "cuda_graph": "1", "fp16": "0"}, input_width=320)
    assert differences(here, there) == [
        Difference("driver", "575.2", "570.1"),
        Difference("options.threads", "2", "4"),
        Difference("options.tf32", "1", None),
        Difference("options.cuda_graph", None, "1"),
        Difference("input_width", "640", "320"),
    ]


def test_a_difference_reads_as_one_phrase() -> None:
    """Values are quoted, hashes cut, and what is empty or not set is said in words."""
    assert str(Difference("options.threads", "2", "4")) == "options.threads: '2' vs '4'"
    assert str(Difference("options.tf32", None, "1")) == "options.tf32: not set vs '1'"
    assert str(Difference("driver", "", "570.1")) == "driver: none vs '570.1'"
    assert str(Difference("model_sha256", "ab" * 32, "cd" * 32)) == (
        "model_sha256: 'abababababab...' vs 'cdcdcdcdcdcd...'"
    )


def test_the_sentence_says_what_helps() -> None:
    """Options can be set back, a model can be exchanged; anything else has to be measured anew."""
    here = make_fingerprint()
    assert mismatch(differences(here, make_fingerprint(options={"threads": "4"}))) == (
        "options.threads is '2' here and '4' in the profile; "
        "set these options as they were, or calibrate again with `framebatch calibrate`"
    )
    assert mismatch(differences(here, make_fingerprint(model_sha256="cd" * 32))) == (
        "model_sha256 is '5e5b05aa5e5b...' here and 'cdcdcdcdcdcd...' in the profile; "
        "give the model that was calibrated, or calibrate again with `framebatch calibrate`"
    )
    assert mismatch(differences(here, make_fingerprint(driver="1", options={}))) == (
        "driver is none here and '1' in the profile; options.threads is '2' here and not set in the profile; "
        "calibrate again with `framebatch calibrate`"
    )
