"""A stage in memory on which one run has ended, and the key by which its signature is checked."""

from __future__ import annotations

from dropforge.cli.ecdsa import EcdsaPublicKey
from dropforge.domain.run import Run
from tests.fakes.memory_jobs import JobEnd
from tests.fakes.world import World

COMMIT = "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00"


def public_key_of(world: World) -> EcdsaPublicKey:
    return EcdsaPublicKey.from_pem(world.signer.public_key_pem())


def world_with_a_run_that_trains() -> World:
    world = World()
    world.push(commit=COMMIT, message="Learn digits")
    world.drop("digits/digits.csv", b"1,2,3\n")
    world.grow_quiet()
    world.dispatch()
    return world


def world_with_an_ended_run(end: JobEnd | None = None) -> World:
    world = world_with_a_run_that_trains()
    world.finish(world.only_run(), end)
    return world


def world_with_a_signed_run() -> tuple[World, Run]:
    world = world_with_an_ended_run()
    world.sign()
    world.deliver_announcements()
    return world, world.only_run()
