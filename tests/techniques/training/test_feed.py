"""What reaches the network: varied pictures, in an order that no number of processes changes."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from techniques.classifiers.preprocessing import view
from techniques.pictures import read_picture
from techniques.training.augment import RECIPES, varied
from techniques.training.batches import Feed, order_of
from techniques.training.dataset import read_dataset
from techniques.training.pool import Pool
from techniques.training.schedule import rate_at
from techniques.training.shared import Draws, share_dropouts
from techniques.training.team import Team, shares, team_of
from techniques.weights.registry import View
from tests.techniques.training.conftest import noise, save


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 200), st.integers(1, 64), st.integers(0, 5))
def test_every_picture_is_shown_once_an_epoch_in_steps_of_even_length(count, batch, epoch):
    steps = order_of(range(count), seed=3, epoch=epoch, batch_size=batch)

    assert sorted(index for step in steps for index in step) == list(range(count))
    assert max(map(len, steps)) - min(map(len, steps)) <= 1
    assert steps == order_of(range(count), seed=3, epoch=epoch, batch_size=batch)


@given(st.lists(st.integers(), max_size=40), st.integers(1, 9))
def test_shares_are_the_whole_in_order(items, parts):
    found = shares(items, parts)

    assert len(found) == parts
    assert [item for share in found for item in share] == items


def feeds(root, teams, **options):
    pool = Pool(root, (32, 32), memory=1 << 26)
    dataset = read_dataset(root, size=(32, 32), pool=pool)
    return [
        Feed(dataset, pool, size=(32, 32), augment="strong", batch_size=5, seed=1, team=team, threads=2)
        for team in teams
    ]


def test_two_processes_see_together_what_one_sees(plain):
    alone, first, second = feeds(plain, [Team(), Team(0, 2, 0, 2), Team(1, 2, 1, 2)])

    for whole, left, right in zip(alone.epoch(2), first.epoch(2), second.epoch(2), strict=True):
        assert torch.equal(torch.cat([left.images, right.images]), whole.images)
        assert torch.equal(torch.cat([left.labels, right.labels]), whole.all_labels)
        assert right.first == len(left.labels)
    assert not torch.equal(next(alone.epoch(0)).images, next(alone.epoch(1)).images)


def test_an_epoch_taken_up_in_the_middle_goes_on_with_the_same_pictures(plain):
    (feed,) = feeds(plain, [Team()])

    assert torch.equal(list(feed.epoch(0))[1].images, next(feed.epoch(0, start=1)).images)


@settings(deadline=None, max_examples=60)
@given(
    st.integers(1, 60), st.integers(1, 60), st.integers(1, 40), st.integers(1, 40),
    st.sampled_from(sorted(RECIPES)), st.integers(0, 99),
)  # fmt: skip
def test_varied_pictures_have_the_size_asked_for(width, height, across, down, recipe, seed):
    pixels = np.random.default_rng(seed).integers(0, 255, (height, width, 3), np.uint8)

    found = varied(pixels, (across, down), RECIPES[recipe], (seed, 1, 2))

    assert found.shape == (down, across, 3)
    assert found.dtype == np.uint8
    assert (found == varied(pixels, (across, down), RECIPES[recipe], (seed, 1, 2))).all()


def test_unvaried_pictures_are_what_a_classifier_sees(tmp_path):
    path = save(noise(4, (100, 60)), tmp_path / "a.png")
    how = View(width=48, height=48, crop=1.0, rule="crop", interpolation="bilinear")
    pixels = (read_picture(path).rgb * 255).round().astype(np.uint8)

    found = varied(pixels, (48, 48), RECIPES["none"], (0,))

    seen = (view(read_picture(path), how).numpy() * 255).round().transpose(1, 2, 0)
    assert np.abs(found.astype(int) - seen).max() <= 1


def test_the_rate_rises_and_falls_to_nothing():
    rates = [rate_at(step, head_steps=10, steps=110) for step in range(110)]

    assert rates[:10] == [(1.0, 0.0)] * 10
    assert rates[10] == (0.1, 0.1)
    assert max(rates[10:]) == (1.0, 1.0)
    assert rates[-1][1] < 1e-2
    body = [body for _, body in rates[20:]]
    assert body == sorted(body, reverse=True)


def test_dropouts_drop_for_a_share_what_they_drop_for_the_whole():
    draws = Draws()
    network = torch.nn.Sequential(torch.nn.Dropout(0.5)).train()
    share_dropouts(network, draws)
    draws.begin(1, 7, 0, 6)
    whole = network(torch.ones(6, 50))
    draws.begin(1, 7, 2, 6)

    assert torch.equal(network(torch.ones(4, 50)), whole[2:])
    assert set(whole.unique().tolist()) == {0.0, 2.0}
    assert whole.mean() == pytest.approx(1, abs=0.2)
    assert torch.equal(network.eval()(torch.ones(2, 3)), torch.ones(2, 3))


def test_torchruns_variables_make_a_team():
    four = {"RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2"}

    assert team_of(four) == Team(3, 4, 1, 2)
    assert team_of({}).leads
