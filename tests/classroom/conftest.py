"""What the tests of the classroom share: they need bubblewrap."""

import pytest
from classroom_answers import need_containment


@pytest.fixture(scope="session")
def containment() -> None:
    """Skip where nothing can be contained."""
    need_containment()
