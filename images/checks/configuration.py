"""What the image says about itself, without starting it."""

from images.subject import Subject, ensure


def is_root_in_notebooks(subject: Subject) -> None:
    """Platforms expect root, HOME /root and the working directory that Jupyter then serves."""
    config = subject.config
    ensure(config["User"] in ("", "0", "root"), f"the image runs as {config['User']}, not as root")
    ensure("HOME=/root" in config["Env"], "HOME is not /root")
    ensure(config["WorkingDir"] == "/notebooks", f"the working directory is {config['WorkingDir']}")


def names_its_ports(subject: Subject) -> None:
    """8888 is Jupyter's, 6006 the one other port that Gradient lets through."""
    ports = set(subject.config["ExposedPorts"])
    ensure(ports == {"8888/tcp", "6006/tcp"}, f"the image exposes {', '.join(sorted(ports))}")


def asks_for_the_gpu(subject: Subject) -> None:
    """Without these variables the NVIDIA runtime mounts no driver, or none that computes."""
    for wanted in ("NVIDIA_VISIBLE_DEVICES=all", "NVIDIA_DRIVER_CAPABILITIES=compute,utility"):
        ensure(wanted in subject.config["Env"], f"the image does not set {wanted}")


def is_within_its_size(subject: Subject) -> None:
    """The matrix's budget: every gigabyte is paid for at each cold start."""
    choice = subject.choice
    sizes = sorted(int(layer["Size"]) for layer in subject.client.images.get(subject.image).history())
    for what, size, budget in (
        ("torch and CUDA layer", sizes[-1], choice.variant.budget_mb),
        ("other layers", sum(sizes[:-1]), choice.flavour.budget_mb),
    ):
        ensure(size <= budget * 1e6, f"the {what} take {size / 1e6:.0f} MB, the matrix allows {budget} MB")


def bakes_no_token(subject: Subject) -> None:
    """A token in the image would be everybody's, and an empty one is an open shell."""
    words = [*subject.config["Env"], *(subject.config["Cmd"] or []), *(subject.config["Entrypoint"] or [])]
    for word in words:
        for mark in ("token", "password", "secret", "api_key"):
            ensure(mark not in word.lower(), f"the image's configuration holds {word.partition('=')[0]}")


def labels_state_its_row(subject: Subject) -> None:
    """A course reads versions and hardware from the labels, before it pulls 3 GB."""
    variant, labels = subject.choice.variant, subject.labels
    stated = {
        "deepdesign.cuda": variant.cuda,
        "deepdesign.torch": variant.torch,
        "deepdesign.torchvision": variant.torchvision,
        "deepdesign.architectures": " ".join(variant.architectures),
        "deepdesign.least-driver": str(variant.least_driver),
    }
    for name, value in stated.items():
        ensure(labels.get(name) == value, f"the label {name} says {labels.get(name)}, the matrix {value}")
    for name in ("title", "description", "version", "revision", "licenses", "base.name"):
        ensure(labels.get(f"org.opencontainers.image.{name}"), f"there is no OCI label {name}")
