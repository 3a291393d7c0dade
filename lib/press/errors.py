"""The one error that the press reports to its user in plain words."""


class PressError(Exception):
    """Something that the user can mend; its text says what and where."""
