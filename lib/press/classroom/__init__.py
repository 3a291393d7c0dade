"""Assignments: from their sources to releases for students, and from submissions to marks and feedback."""
