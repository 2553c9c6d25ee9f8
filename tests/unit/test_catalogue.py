"""What every catalogue is read by: one strict reader, all problems at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from idp.assurance import Assurance
from idp.errors import SettingsError
from idp.relying_parties.details_types import DetailsTypes
from idp.relying_parties.purposes import PurposeCatalogue

if TYPE_CHECKING:
    from pathlib import Path

CATALOGUES = (Assurance, DetailsTypes, PurposeCatalogue)
ODD = (
    b"\xff\xfe",
    b"types = 1\npurposes = 1\nauthentication = 1",
    b"types = [1]\npurposes = [1]\nauthentication = [1]\naccount = [1]",
    b"[[types]]\nmembers = [1]\n[[purposes]]\nitems = [1]\n[[authentication]]\naliases = [[1]]\nconditions = 1",
    b"[[types]]\nid = [1]\n[[types]]\nid = [1]\n[[purposes]]\nid = [1]",
    b"[[authentication]]\nconditions.biometric = [[1]]",
)


@pytest.mark.parametrize("catalogue", CATALOGUES, ids=lambda one: one.__name__)
@pytest.mark.parametrize("content", ODD, ids=range(len(ODD)))
def test_a_catalogue_of_another_shape_is_refused_by_its_name(
    tmp_path: Path, catalogue: type[Assurance | DetailsTypes | PurposeCatalogue], content: bytes
) -> None:
    file = tmp_path / "catalogue.toml"
    file.write_bytes(content)
    with pytest.raises(SettingsError) as refusal:
        catalogue.load(file)
    assert all(reason.startswith("catalogue.toml: ") for reason in refusal.value.reasons)
