"""Experiments that are broken off in the middle go on to the same record, and measure nothing twice.

They are broken off here while a part is about to be kept, so that this part is lost. What a real ``kill -9``
leaves of a part is the affair of ``test_kept_parts``, and of ``tests/press/test_experiments``.
"""

from dataclasses import replace

import numpy as np
import pytest

from samplebook.experiments import (
    cet,
    cet_sizes,
    nbpo,
    nbpo_sizes,
    spectr,
    spectr_sizes,
)
from samplebook.experiments.command_line import Asked
from samplebook.experiments.kept_parts import KeptParts
from samplebook.experiments.tokenised_text import load, prepare

TIMED = {
    "finished",
    "latency",
    "milliseconds_an_epoch_and_seed",
    "over_single",
    "parts",
    "seconds",
    "speed_up",
    "tokens_per_second",
    "verdicts",
}
"""Entries of the records that depend on the clock."""
AMPLE_SECONDS = 1e12
"""A budget of which no share is spent: a learning rate follows that share a little."""


class BrokenOff(BaseException):
    """Ends a run as a kill does: no attempt at a part catches it."""


def run_spectr(asked, monkeypatch):
    # one pass: a later session's decoders begin with random numbers of their own
    small = {"counts": (1, 2), "lengths": (2,), "batches": (1,), "passes": 1}
    scale = replace(spectr_sizes.SCALES["toy"], **small, written_rounds=1)
    scale = replace(scale, steps={"target": 4, "draft": 4})
    monkeypatch.setitem(spectr_sizes.SCALES, "toy", scale)
    letters = np.random.default_rng(0).choice([*"abcdefg  "], 6_000)
    words = "".join(letters)
    file = asked.parts.with_suffix(".npz")
    prepare(file, 270, ([words[:4_500]], [words[4_500:]]))
    return spectr.run_experiment(load(file), asked)


def run_nbpo(asked, monkeypatch):
    small = {"rates": (0.2,), "penalties": (0.05,), "epochs": 2, "tuning_epochs": 2}
    worlds = {"structured flips": nbpo_sizes.WorldSize(60, 150, 1.5, -1.2)}
    scale = replace(nbpo_sizes.SCALES["tiny"], worlds=worlds, **small)
    monkeypatch.setitem(nbpo_sizes.SCALES, "tiny", scale)
    return nbpo.run_experiment(None, asked)


def run_cet(asked, monkeypatch):
    small = {"strengths": (1.0,), "epochs": 1, "likelihood_steps": 5}
    scale = replace(cet_sizes.SCALES["tiny"], **small)
    monkeypatch.setitem(cet_sizes.SCALES, "tiny", scale)
    return cet.run_experiment(None, asked)


EXPERIMENTS = {
    "spectr": (run_spectr, "toy"),
    "nbpo": (run_nbpo, "tiny"),
    "cet": (run_cet, "tiny"),
}


def without_times(value):
    """A record without what depends on the clock."""
    if isinstance(value, dict):
        return {
            name: without_times(entry)
            for name, entry in value.items()
            if name not in TIMED
        }
    return [without_times(one) for one in value] if isinstance(value, list) else value


class CountedParts:
    """Counts the parts that are kept, and breaks a run off in place of keeping one too many."""

    def __init__(self):
        self.names, self.most, self.write = [], None, KeptParts.write

    def keep(self, parts, name, result, seconds):
        if len(self.names) == self.most:
            raise BrokenOff
        self.write(parts, name, result, seconds)
        self.names.append(name)


@pytest.mark.parametrize("slug", EXPERIMENTS)
def test_a_run_that_was_broken_off_goes_on_to_the_same_record(
    slug, tmp_path, monkeypatch
):
    run, size = EXPERIMENTS[slug]
    counted = CountedParts()
    monkeypatch.setattr(
        KeptParts, "write", lambda parts, *kept: counted.keep(parts, *kept)
    )
    whole = run(Asked(size, 0, AMPLE_SECONDS, parts=tmp_path / "whole"), monkeypatch)
    all_parts, counted.names = counted.names, []
    assert len(set(all_parts)) == len(all_parts) > 4
    assert whole["complete"]
    assert whole["not_measured"] == []

    asked = Asked(size, 0, AMPLE_SECONDS, parts=tmp_path / "parts")
    counted.most = len(all_parts) // 2
    with pytest.raises(BrokenOff):
        run(asked, monkeypatch)
    assert counted.names == all_parts[: counted.most]

    counted.most = None
    resumed = run(asked, monkeypatch)
    assert counted.names == all_parts
    assert without_times(resumed) == without_times(whole)
