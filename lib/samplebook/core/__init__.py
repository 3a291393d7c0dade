"""What the parts of the book share: argument checks, drawing, statistics. Imports nothing of ours."""
