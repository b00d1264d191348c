from __future__ import annotations

from dataclasses import replace

import pytest

from dropforge.domain.head import WaitsFor
from dropforge.domain.project import OnData, OnPush
from dropforge.domain.run import RequesterKind
from dropforge.domain.training_spec import TrainingSpec
from dropforge.workflow.project_status import project_status
from dropforge.workflow.register_image import ImageRefusedError, register_image
from tests.fakes.world import DIGITS, World, stage_of

BUILDING = replace(DIGITS, on_push=OnPush.BUILD)
REBUILDING = replace(DIGITS, on_data=OnData.REBUILD)


def with_data(world: World) -> World:
    world.drop("digits/a")
    world.grow_quiet()
    return world


def test_an_image_that_comes_first_waits_for_data_and_the_status_says_so() -> None:
    world = World()
    assert project_status(world.ports, "digits").waits_for is WaitsFor.IMAGE_AND_DATA
    assert world.push().run is None
    assert project_status(world.ports, "digits").waits_for is WaitsFor.DATA


def test_a_new_image_trains_with_the_data_that_is_there() -> None:
    world = with_data(World())
    run = world.push(commit="c1").run
    assert run is not None
    assert run.requester.kind is RequesterKind.PUSH
    assert project_status(world.ports, "digits").waits_for is None


def test_the_record_holds_what_aws_says_and_what_the_commit_claims() -> None:
    image = World().push(commit="c1").image
    assert (image.commit, image.tag) == ("c1", "c1-execution-of-c1")
    assert image.uri.endswith(f"@{image.digest}")
    assert image.claimed_author == "Ada <ada@example.com>"


def test_a_stage_that_is_retried_makes_no_second_run() -> None:
    world = with_data(World())
    built = world.built()
    first = register_image(world.ports, built)
    assert register_image(world.ports, built) == first
    assert len(world.store.runs) == 1


def test_a_changed_hyperparameter_is_another_run_even_of_the_same_image() -> None:
    world = with_data(World())
    for commit, epochs in (("c1", "40"), ("c2", "80")):
        spec = TrainingSpec(hyperparameters={"epochs": epochs})
        register_image(world.ports, world.built(commit=commit, spec=spec, content="the same bytes"))
    assert {run.spec.hyperparameters["epochs"] for run in world.store.runs.values()} == {"40", "80"}
    head = world.store.head("digits").image
    assert head is not None
    assert head.commit == "c2"


def test_a_build_that_ends_late_trains_and_does_not_take_the_head_back() -> None:
    world = with_data(World())
    slow = world.built(commit="c1")
    quick = world.built(commit="c2")
    register_image(world.ports, quick)
    register_image(world.ports, slow)
    head = world.store.head("digits").image
    assert head is not None
    assert head.commit == "c2"
    assert {run.image.commit for run in world.store.runs.values()} == {"c1", "c2"}


def test_going_back_to_an_earlier_commit_moves_the_head_though_its_image_was_pushed_long_ago() -> None:
    world = with_data(World())
    world.push(commit="c1")
    world.push(commit="c2")
    register_image(world.ports, world.built(commit="c1", execution="second-execution-of-c1"))
    head = world.store.head("digits").image
    assert head is not None
    assert head.execution_id == "second-execution-of-c1"


@pytest.mark.parametrize("message", ["Fix a typo [skip train]", "[Skip Train] docs"])
def test_a_commit_can_ask_not_to_be_trained(message: str) -> None:
    world = with_data(World())
    registration = world.push(message=message)
    assert registration.run is None
    assert world.store.head("digits").image == registration.image


def test_where_a_push_only_builds_its_image_trains_with_the_next_data() -> None:
    world = with_data(World(stage_of(BUILDING)))
    world.push(commit="c1")
    assert world.push(commit="c2").run is None
    world.drop("digits/b")
    world.grow_quiet()
    assert sorted(run.image.commit for run in world.store.runs.values()) == ["c1", "c2"]


def test_where_a_push_only_builds_data_that_came_before_any_image_is_trained_all_the_same() -> None:
    world = with_data(World(stage_of(BUILDING)))
    assert world.push(commit="c1").run is not None


def test_image_and_data_at_the_same_moment_make_one_run_whoever_sees_the_other() -> None:
    world = World()
    built = world.built()
    world.drop("digits/a")
    world.grow_quiet()
    register_image(world.ports, built)
    world.store.timers["digits"] = replace(world.store.timers["digits"], due=world.clock.now())
    world.grow_quiet()
    assert len(world.store.runs) == 1


def test_two_builds_of_one_rebuild_make_one_run_though_their_bytes_differ() -> None:
    world = with_data(World(stage_of(REBUILDING)))
    (rebuild,) = world.store.rebuilds.values()
    first = world.push_rebuild(rebuild, commit="c1", content="first")
    second = world.push_rebuild(rebuild, commit="c1", content="second")
    assert first.image.digest != second.image.digest
    assert second.run == first.run
    assert len(world.store.runs) == 1


def test_a_rebuild_whose_first_build_was_cut_off_before_its_run_is_trained_by_the_second() -> None:
    world = with_data(World(stage_of(REBUILDING)))
    (rebuild,) = world.store.rebuilds.values()
    first = world.push_rebuild(rebuild, content="first")
    world.store.runs.clear()
    world.store.trails.clear()
    second = world.push_rebuild(rebuild, content="second")
    assert second.run is not None
    assert second.run.image.digest == first.image.digest


def test_a_rebuild_trains_on_the_data_that_asked_for_it_though_newer_data_came_meanwhile() -> None:
    world = with_data(World(stage_of(REBUILDING)))
    (rebuild,) = world.store.rebuilds.values()
    world.drop("digits/b")
    world.grow_quiet()
    run = world.push_rebuild(rebuild).run
    assert run is not None
    assert run.dataset.version == rebuild.dataset_version


def test_a_pipeline_that_is_started_by_hand_for_data_is_a_rebuild_like_any_other() -> None:
    world = with_data(World())
    data = world.store.head("digits").data
    assert data is not None
    run = register_image(world.ports, world.built(dataset=data.dataset.version)).run
    assert run is not None
    assert world.store.rebuild("digits", data.dataset.version) is not None


def test_data_that_nobody_knows_is_refused() -> None:
    world = World()
    with pytest.raises(ImageRefusedError, match="has no dataset version sha256:unknown"):
        register_image(world.ports, world.built(dataset="sha256:unknown"))
    assert world.store.head("digits").image is None


def test_an_image_that_was_never_pushed_is_refused() -> None:
    world = World()
    built = world.built()
    world.builds.pushed.clear()
    with pytest.raises(ImageRefusedError, match="pushed no image tagged c1-execution-of-c1"):
        register_image(world.ports, built)


@pytest.mark.parametrize(
    ("claims", "sentence"),
    [
        ({"spec": {"compute": {"instance_count": 0}}, "claimed_author": "", "message": ""}, "must be 1 or more"),
        ({"spec": {}, "claimed_author": "", "message": "", "commit": "forged"}, "commit is unknown"),
        ("text", "write an object"),
    ],
)
def test_what_a_build_says_is_checked_again(claims: object, sentence: str) -> None:
    world = World()
    with pytest.raises(ImageRefusedError, match=sentence):
        register_image(world.ports, replace(world.built(), claims=claims))
    assert world.store.head("digits").image is None


def test_a_rebuild_that_was_started_by_hand_is_on_record_and_is_not_started_again() -> None:
    world = with_data(World(stage_of(REBUILDING)))
    (rebuild,) = world.store.rebuilds.values()
    world.store.rebuilds.clear()
    built = world.built(commit="c1", dataset=rebuild.dataset_version, execution="by-hand")
    register_image(world.ports, built)
    recorded = world.store.rebuild("digits", rebuild.dataset_version)
    assert recorded is not None
    assert recorded.execution_id == "by-hand"
    assert world.store.unstarted_rebuilds() == ()


def test_a_rebuild_that_waited_and_was_then_started_by_hand_is_not_started_again() -> None:
    world = World(stage_of(REBUILDING))
    world.builds.busy = True
    with_data(world)
    (rebuild,) = world.store.unstarted_rebuilds()
    register_image(world.ports, world.built(dataset=rebuild.dataset_version, execution="by-hand"))
    assert world.store.unstarted_rebuilds() == ()


def test_a_request_not_to_train_counts_wherever_a_long_message_says_it() -> None:
    world = with_data(World())
    registered = world.push(message="Explain at length. " * 200 + "[Skip train]")
    assert registered.run is None
    assert len(registered.image.message) == 2_000


def test_a_second_commit_that_gives_the_same_image_has_its_trace_in_the_run_that_stands_for_it() -> None:
    world = with_data(World())
    run = register_image(world.ports, world.built(commit="c1", content="the same bytes")).run
    again = world.built(commit="c2", content="the same bytes")
    for _ in range(2):
        assert register_image(world.ports, again).run == world.only_run()
    after = world.only_run()
    assert run is not None
    assert (after.id, after.image.commit) == (run.id, "c1")
    assert [(each.commit, each.execution_id) for each in after.also_built] == [("c2", "execution-of-c2")]
    assert world.store.runs_of_commit("c1", 10) == world.store.runs_of_commit("c2", 10) == (after,)


def test_each_execution_that_gives_the_same_image_is_on_record_and_the_head_is_the_latest_of_them() -> None:
    world = World()
    earlier, later = (world.built(commit=commit, content="the same bytes") for commit in ("c1", "c2"))
    register_image(world.ports, later)
    image = register_image(world.ports, earlier).image
    recorded = [world.store.build("digits", f"execution-of-{commit}") for commit in ("c1", "c2")]
    assert [each.commit for each in recorded if each is not None] == ["c1", "c2"]
    head, by_digest = world.store.head("digits").image, world.store.image("digits", image.digest)
    assert head is not None
    assert head.commit == "c2"
    assert by_digest == head


BUILDING_AND_REBUILDING = replace(DIGITS, on_push=OnPush.BUILD, on_data=OnData.REBUILD)


@pytest.mark.parametrize("same_bytes", [True, False])
def test_where_a_push_only_builds_it_trains_nothing_while_a_rebuild_is_on_its_way_and_that_trains_once(
    *, same_bytes: bool
) -> None:
    world = with_data(World(stage_of(BUILDING_AND_REBUILDING)))
    (rebuild,) = world.store.rebuilds.values()
    pushed = world.built(commit="c2", content="the same bytes" if same_bytes else "of the push")
    assert register_image(world.ports, pushed).run is None
    for _ in range(2):
        run = world.push_rebuild(rebuild, commit="c1", content="the same bytes").run
        assert run == world.only_run()
    assert world.only_run().requester == rebuild.requester
    assert register_image(world.ports, pushed).run is None
    assert len(world.store.runs) == 1


def test_where_a_push_only_builds_only_the_projects_first_image_trains_the_data_that_waited_for_it() -> None:
    world = World(stage_of(BUILDING))
    world.push(commit="c1")
    with_data(world)
    world.store.runs.clear()  # as if the run that the data asked for were not in the index yet
    assert world.push(commit="c2").run is None
