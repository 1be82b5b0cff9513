"""The list of breaks follows the code: one whose line has changed breaks nothing, and would be seen only by running them all."""

import pytest

from tools.breaks import REPOSITORY, Break, breaks


@pytest.mark.parametrize("each", breaks(), ids=lambda each: each.name)
def test_what_a_break_replaces_stands_once_in_its_file(each: Break) -> None:
    text = (REPOSITORY / each.file).read_text()

    assert text.count(each.old) == 1
    assert each.old != each.new
    assert (REPOSITORY / each.test.partition("::")[0]).is_file()


def test_every_break_has_a_name_of_its_own() -> None:
    names = [each.name for each in breaks()]

    assert len(set(names)) == len(names)
