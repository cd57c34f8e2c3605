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


# What the Dockerfile's last lines copy in, the newest first; all that lies under it is the system.
_COPIED = ("techniques", "project", "weights", "nvdiffrast", "packages", "torch")


def is_within_its_size(subject: Subject) -> None:
    """The matrix's budget of every layer: each gigabyte is paid for at each cold start."""
    choice, budgets = subject.choice, dict(subject.matrix.budgets_mb)
    budgets |= {"packages": choice.flavour.budget_mb, "torch": choice.variant.budget_mb}
    for layer, size in layers(subject).items():
        ensure(
            size <= budgets[layer] * 1e6,
            f"the layer of {layer} takes {size / 1e6:.1f} MB, the matrix allows {budgets[layer]} MB",
        )


def layers(subject: Subject) -> dict[str, int]:
    """Bytes of each layer of the image, unpacked, by what is in it."""
    history = subject.client.images.get(subject.image).history()
    copied = [int(entry["Size"]) for entry in history if entry["CreatedBy"].startswith("COPY ")]
    sizes = dict(zip(_COPIED, copied, strict=False))
    ensure(len(sizes) == len(_COPIED), f"the image has {len(copied)} copied layers, not {len(_COPIED)}")
    return sizes | {"system": sum(int(entry["Size"]) for entry in history) - sum(sizes.values())}


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
