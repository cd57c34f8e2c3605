"""Jupyter starts, whatever the hooks and the storage are."""

from functools import partial

from images import container
from images.jupyter import JupyterServer
from images.platforms import PLATFORMS
from images.subject import Subject, ensure

_USERS_HOOK = "pre-run.sh"

# What a user's file can do wrong, and whether what it exported first still arrives.
_HOSTILE = {
    "exit": "export GREETING=hello\nexit 3\n",
    "options": "set -eu -o pipefail\nexport GREETING=hello\ncd /\numask 077\nfalse\nexport GREETING=never\n",
    "traps": "trap 'echo caught' EXIT TERM INT\nexport GREETING=hello\ncd /tmp\nexit 1\n",
    "windows": "export GREETING=hello\r\nif true; then\r\n  cd /\r\nfi\r\n",
    "all exported": "set -a\nGREETING=hello\n",
    "background": "export GREETING=hello\nsleep 300 &\n",
}

_TEMPORARY = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 # looked through in the container
_SEEN = "import os; print(os.environ.get('GREETING'), os.getcwd(), oct(os.umask(18)))"


def survives_the_users_hook(subject: Subject) -> None:
    """`exit`, options, directory, umask and traps of /storage/pre-run.sh stay in it; its exports arrive."""
    for name, text in _HOSTILE.items():
        with subject.volume() as storage:
            subject.write(storage, {_USERS_HOOK: text})
            with subject.started(storage) as running:
                seen = running.jupyter().in_kernel(_SEEN).split()
                ensure(
                    seen == ["hello", "/notebooks", "0o22"],
                    f"after a hook with {name}, a kernel sees {seen} for variable, directory and umask",
                )
                left = running.run("grep", "-rls", "GREETING=", *_TEMPORARY, check=False)
                ensure(not left, f"after a hook with {name}, its environment is still in {left}")


def survives_a_hook_that_is_no_shell(subject: Subject) -> None:
    """A file that bash cannot read is told in the log, and that is all."""
    with subject.volume() as storage:
        subject.write(storage, {_USERS_HOOK: "if then (\nimport os\n"})
        with subject.started(storage) as running:
            running.jupyter()
            ensure(f"/storage/{_USERS_HOOK}" in running.logs(), "the log does not say which hook is broken")


def survives_its_own_hook(subject: Subject) -> None:
    """Our hook missing, ending the shell, or without the program that it calls."""
    hook = "/opt/deepdesign/share/prerun.sh"
    for damage in (
        f"rm {hook}",
        f"echo 'exit 3' >{hook}",
        f"echo 'if then (' >{hook}",
        "rm -r /opt/deepdesign/lib/python3*/site-packages/bootstrap",
        "echo 'broken(' >/opt/deepdesign/lib/python3*/site-packages/bootstrap/__init__.py",
    ):
        start = f'{damage}; exec /opt/deepdesign/share/entrypoint.sh "$@"'
        with subject.volume() as storage:
            subject.write(storage, {_USERS_HOOK: "export GREETING=hello\n"})
            with subject.started(storage, entrypoint=["sh", "-c", start, "--"]) as running:
                seen = running.jupyter().in_kernel(_SEEN).split()
                ensure(seen[:2] == ["hello", "/notebooks"], f"after `{damage}` a kernel sees {seen}")


def starts_without_storage(subject: Subject) -> None:
    """No storage is a normal state: a free notebook in another region, any other host."""
    with subject.started() as running:
        _is_usable(running.jupyter())


def starts_on_read_only_storage(subject: Subject) -> None:
    """Nothing can be kept, and nothing else may fail."""
    with subject.volume() as storage:
        subject.write(storage, {_USERS_HOOK: "export GREETING=hello\n"})
        with subject.started(storage, read_only=True) as running:
            jupyter = running.jupyter()
            _is_usable(jupyter)
            ensure(jupyter.in_kernel(_SEEN).startswith("hello"), "the user's hook did not run")


def starts_on_every_platform(subject: Subject) -> None:
    """As each one starts it, Jupyter answers, and what lies in the storage there has come back."""
    for platform in PLATFORMS:
        with subject.volume() as storage:
            subject.write(storage, {"cfg/.gitconfig": "[user]\n\tname = Ada\n"})
            with subject.started(storage, platform) as running:
                jupyter = running.jupyter()
                status, shown = jupyter.in_terminal("git config user.name && deepdesign --help")
                ensure(
                    status == 0 and "Ada" in shown,
                    f"on {platform.name} the settings have not come back, or deepdesign is not found: {shown}"
                    f"\n{running.logs()}",
                )
                runtime = jupyter.in_kernel("import os; print(os.environ.get('JUPYTER_RUNTIME_DIR'))").strip()
                ensure(
                    runtime == "/root/.deepdesign/jupyter-runtime",
                    f"on {platform.name} kernels lack the environment: JUPYTER_RUNTIME_DIR is {runtime}",
                )


def starts_for_any_user(subject: Subject) -> None:
    """A host that gives every student a uid of their own, and a home that is not there yet."""
    home = {"HOME": "/tmp/home"}  # noqa: S108 # in the container
    with (
        subject.volume() as storage,
        subject.started(storage, user="12345:12345", environment=home) as running,
    ):
        _is_usable(running.jupyter())


def leaves_an_experiments_home_alone(subject: Subject) -> None:
    """An experiment command runs in a home as the image has it, with nothing of ours on standard output."""
    survey = ("find", "/root", "/notebooks", "-printf", "%p %l\\n")
    bare = subject.output(*survey[1:], entrypoint=[survey[0]])
    with subject.volume() as storage:
        mounted = {storage: {"bind": "/storage", "mode": "rw"}}
        seen = subject.output(*survey, volumes=mounted)
        ensure(seen == bare, f"an experiment finds another home than the image's:\n{seen}")
        asked = subject.output(*survey, volumes=mounted, environment={"DEEPDESIGN_BOOTSTRAP": "1"})
        ensure("/storage" in asked, "DEEPDESIGN_BOOTSTRAP=1 does not bring the user's environment")


def tells_its_health(subject: Subject) -> None:
    """Healthy once Jupyter answers, whatever its port; a command that is no Jupyter is never unhealthy."""
    for command in (None, ("sh", "-c", "exec jupyter lab --allow-root --port=6006"), ("sleep", "60")):
        with subject.started(command=command) as running:
            healthy = container.wait_until(partial(_is_healthy, running), 60)
            ensure(healthy, f"{command or 'the default command'} is not healthy after 60 s: {running.logs()}")
    with subject.started(command=("sh", "-c", "sleep 60; exec jupyter lab")) as running:
        told = running.run("sh", "-c", "/opt/deepdesign/share/healthcheck.sh || echo no")
        ensure(told.strip() == "no", "a Jupyter that does not answer passes for healthy")


def _is_healthy(running: container.Running) -> bool:
    running.container.reload()
    return str(running.container.attrs["State"].get("Health", {}).get("Status")) == "healthy"


def ends_on_sigterm(subject: Subject) -> None:
    """A platform's stop: Jupyter shuts its kernels down and ends by itself within 10 s."""
    with subject.started() as running:
        running.jupyter().in_kernel("print(1)")
        status = running.stop(limit=10)
        ensure(status in (0, 143), f"Jupyter ended with status {status} on SIGTERM:\n{running.logs()}")


def _is_usable(jupyter: JupyterServer) -> None:
    ensure(jupyter.in_kernel("print(6 * 7)") == "42\n", "a kernel does not compute")
    status, shown = jupyter.in_terminal("deepdesign --help")
    ensure(status == 0, f"a terminal does not find deepdesign: {shown}")
