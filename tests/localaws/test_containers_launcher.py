"""Programs of images, on each rung that works on this machine without an engine."""

from __future__ import annotations

import itertools
import os
import shutil
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from localaws.containers.builder import Builder
from localaws.containers.container import Container
from localaws.containers.image import PulledImage
from localaws.containers.launcher import choose_launcher, ladder
from localaws.containers.launchers import bubblewrap, engine
from localaws.containers.launchers.bubblewrap import BubblewrapLauncher
from localaws.containers.launchers.namespace import NamespaceLauncher
from localaws.containers.launchers.plain import PlainLauncher
from localaws.containers.layers import ImageRefusedError
from localaws.home import Home
from tests.localaws.containers_workshop import Stage, unpacked, write_context
from tests.localaws.local_server import ROOT, eventually


@pytest.fixture(params=[NamespaceLauncher, BubblewrapLauncher, PlainLauncher], ids=lambda rung: rung.name)
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Stage:
    launcher = request.param(tmp_path / "tmp")
    (tmp_path / "tmp").mkdir()
    if not launcher.works():
        pytest.skip(f"the rung {launcher.name} does not work on this machine")
    return Stage(launcher, tmp_path / "runs")


def test_exit_code_and_output_come_back(stage: Stage, tmp_path: Path) -> None:
    image = _image(tmp_path, "import sys; print('out', *sys.argv[1:]); print('err', file=sys.stderr); sys.exit(7)")
    code, output = stage.run(image)
    assert code == 7
    assert set(output.splitlines()) == {"out train", "err"}


def test_it_runs_with_the_checkout_of_the_program_and_the_build_folder_gone(stage: Stage, tmp_path: Path) -> None:
    image = _image(tmp_path, "import helper; print(helper.WORD)", helper__py="WORD = 'from the image'\n")
    shutil.rmtree(tmp_path / "context")
    shutil.rmtree(tmp_path / "images")
    shutil.rmtree(tmp_path / "cache")
    assert stage.run(image) == (0, "from the image\n")


def test_nothing_is_imported_from_outside_of_the_image(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "planted").mkdir()
    (tmp_path / "planted" / "helper.py").write_text("WORD = 'planted'\n", encoding="utf-8")
    image = _image(tmp_path, "import importlib.util as u; print(u.find_spec('helper'), u.find_spec('pytest'))")
    os.environ["PYTHONPATH"] = str(tmp_path / "planted")
    try:
        assert stage.run(image) == (0, "None None\n")
    finally:
        del os.environ["PYTHONPATH"]


def test_two_programs_at_once_do_not_see_each_other_s_opt_ml(stage: Stage, tmp_path: Path) -> None:
    program = """
        import os, pathlib, time
        base = pathlib.Path(os.environ["BASE"])
        (base / os.environ["WHO"]).touch()
        time.sleep(0.3)
        print(sorted(path.name for path in base.iterdir()))
    """
    image = _image(tmp_path, program)
    started = [stage.start(image, environment={"WHO": who}) for who in ("first", "second")]
    assert [process.wait(timeout=30) for process, _ in started] == [0, 0]
    assert [(run / "output").read_text() for _, run in started] == ["['first']\n", "['second']\n"]
    assert not Path("/opt/ml").exists()


def test_sigterm_reaches_the_program_itself(stage: Stage, tmp_path: Path) -> None:
    program = """
        import os, pathlib, signal, sys, time
        def stop(*_):
            print("asked to stop", flush=True)
            sys.exit(3)
        signal.signal(signal.SIGTERM, stop)
        pathlib.Path(os.environ["BASE"], "ready").touch()
        time.sleep(30)
    """
    process, run = stage.start(_image(tmp_path, program))
    eventually((run / "ml" / "ready").exists, "the program is ready")
    process.terminate()
    assert process.wait(timeout=10) == 3
    assert (run / "output").read_text() == "asked to stop\n"


def test_a_program_that_ignores_sigterm_dies_of_sigkill_with_all_that_it_started(stage: Stage, tmp_path: Path) -> None:
    process, run = stage.start(_image(tmp_path, _STUBBORN))
    eventually((run / "ml" / "ready").exists, "the program is ready")
    process.terminate()
    time.sleep(0.2)
    assert process.poll() is None
    process.kill()
    assert process.wait(timeout=10) == 137
    _stays_silent(run / "ml" / "beat")


def test_a_server_that_is_killed_leaves_no_orphan(stage: Stage, tmp_path: Path) -> None:
    image = _image(tmp_path, _STUBBORN)
    run = tmp_path / "orphan"
    (run / "ml").mkdir(parents=True)
    server = f"""
        import sys, time, pathlib
        sys.path.insert(0, {str(ROOT)!r})
        from {type(stage.launcher).__module__} import {type(stage.launcher).__name__} as Rung
        from localaws.containers.container import Container
        from localaws.containers.image import PulledImage
        base = "/opt/ml" if Rung.private_paths else {str(run / "ml")!r}
        layers = tuple(map(pathlib.Path, {[str(layer) for layer in image.layers]!r}))
        image = PulledImage({image.digest!r}, {dict(image.config)!r}, layers, "")
        job = Container(image, ("train",), {{"BASE": base}}, {{"/opt/ml": pathlib.Path({str(run / "ml")!r})}})
        Rung(pathlib.Path({str(tmp_path / "tmp")!r})).start(job, sys.stdout.buffer)
        time.sleep(60)
    """
    parent = subprocess.Popen([sys.executable, "-c", textwrap.dedent(server)], stdout=subprocess.DEVNULL)
    try:
        eventually((run / "ml" / "ready").exists, "the program is ready")
    finally:
        parent.kill()
        parent.wait()
    _stays_silent(run / "ml" / "beat")


def test_an_isolated_program_reaches_no_network_and_one_that_is_not_does(stage: Stage, tmp_path: Path) -> None:
    if not stage.launcher.isolates_network:
        pytest.skip(f"the rung {stage.launcher.name} says that it cannot isolate")
    with socket.create_server(("127.0.0.1", 0)) as server:
        program = f"""
            import socket
            try:
                socket.create_connection(("127.0.0.1", {server.getsockname()[1]}), timeout=2)
                print("connected")
            except OSError as error:
                print(type(error).__name__)
        """
        image = _image(tmp_path, program)
        assert stage.run(image, network=True) == (0, "connected\n")
        assert stage.run(image, network=False) == (0, "ConnectionRefusedError\n")


def test_home_folders_and_checkouts_of_this_machine_are_not_there(stage: Stage, tmp_path: Path) -> None:
    if not stage.launcher.private_paths:
        pytest.skip(f"the rung {stage.launcher.name} shares this machine's files")
    image = _image(tmp_path, f"import os; print(os.path.exists({str(ROOT)!r}), os.path.exists({str(tmp_path)!r}))")
    assert stage.run(image) == (0, "False False\n")


def test_what_a_program_writes_beside_its_mounts_changes_neither_the_image_nor_this_machine(
    stage: Stage, tmp_path: Path
) -> None:
    if stage.launcher.name != "namespace":
        pytest.skip(f"the rung {stage.launcher.name} keeps the image read-only, or cannot")
    image = _image(tmp_path, "open('train.py', 'w').write('changed'); open('/opt/left', 'w'); print('written')")
    assert stage.run(image) == (0, "written\n")
    assert stage.run(image) == (0, "written\n")
    assert not Path("/opt/left").exists()


def test_a_program_that_is_not_there_is_said(stage: Stage, tmp_path: Path) -> None:
    image = _image(tmp_path, "pass")
    broken = PulledImage(image.digest, {**image.config, "Entrypoint": ["no-such-program"]}, image.layers, "")
    code, output = stage.run(broken)
    assert code != 0
    assert "no-such-program" in output or "could not be started" in output


def test_an_image_that_an_engine_built_is_refused_by_process_rungs_and_the_other_way_round(tmp_path: Path) -> None:
    image = _image(tmp_path, "pass")
    foreign = PulledImage(image.digest, {"Entrypoint": ["true"]}, image.layers, "")
    with (tmp_path / "output").open("wb") as output:
        with pytest.raises(ImageRefusedError, match="needs one to run: start Docker or Podman"):
            NamespaceLauncher(tmp_path).start(Container(foreign, (), {}, {}), output)
        with pytest.raises(ImageRefusedError, match="docker cannot run it: build it again"):
            engine.EngineLauncher("docker").start(Container(image, (), {}, {}), output)


def test_the_first_rung_that_runs_a_job_is_chosen_and_the_last_always_does(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.prepare()
    chosen = choose_launcher(home)
    names = [rung.name for rung in ladder(home)]
    assert names == ["docker", "podman", "namespace", "bubblewrap", "plain"]
    assert all(not rung.works() for rung in ladder(home)[: names.index(chosen.name)])
    assert chosen.works()


def test_an_engine_gets_mounts_and_names_of_variables_but_never_their_values(tmp_path: Path) -> None:
    image = PulledImage("sha256:1", {}, (), "127.0.0.1:4566/churn@sha256:1")
    container = Container(image, ("train",), {"TOKEN": "secret"}, {"/opt/ml": tmp_path}, network=False)
    command = engine.arguments("docker", container, "job")
    assert "secret" not in " ".join(command)
    assert command[:3] == ["docker", "run", "--rm"]
    assert command[-2:] == ["127.0.0.1:4566/churn@sha256:1", "train"]
    assert ("--network", "none") in itertools.pairwise(command)
    assert ("--volume", f"{tmp_path}:/opt/ml") in itertools.pairwise(command)


def test_bubblewrap_is_told_to_make_nothing_on_this_machine(tmp_path: Path) -> None:
    image = _image(tmp_path, "pass")
    container = Container(image, ("train",), {}, {"/opt/ml": tmp_path}, network=False)
    command = bubblewrap.arguments(container, 9)
    assert command.index("/opt") < command.index("/opt/ml")
    assert command[command.index("/opt") - 1] == "--tmpfs"
    assert "--unshare-net" in command


_STUBBORN = """
    import os, pathlib, signal, subprocess, sys, time
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    base = pathlib.Path(os.environ["BASE"])
    if "child" not in sys.argv:
        subprocess.Popen([sys.executable, __file__, "child"])
        (base / "ready").touch()
    while True:
        (base / "beat").write_text(str(time.time()))
        time.sleep(0.05)
"""


def _image(folder: Path, program: str, **files: str) -> PulledImage:
    dockerfile = 'FROM python:3.11\nWORKDIR /opt/program\nCOPY *.py ./\nENTRYPOINT ["python", "-u", "train.py"]\n'
    builder = Builder(folder / "images", folder / "cache")
    built = builder.build(write_context(folder / "context", program, dockerfile, **files)).image
    return unpacked(builder, built, folder / "unpacked")


def _stays_silent(beat: Path) -> None:
    """Wait until nothing writes the file any more."""

    def silent() -> bool:
        before = beat.read_text()
        time.sleep(0.3)
        return beat.read_text() == before

    eventually(silent, "the program and its child are gone")
