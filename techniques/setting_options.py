"""Options of the command line that take name, type, choices and default from a settings dataclass."""

import types
from collections.abc import Callable
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import click

__all__ = ["Setting", "named_alike", "setting_options", "together"]

_Command = TypeVar("_Command", bound=Callable[..., Any])
Setting = Callable[..., Callable[[_Command], _Command]]


def setting_options(defaults: object) -> Setting[Any]:
    """A maker of options: ``maker("style_weight", help)`` is ``--style-weight`` as ``defaults`` has it.

    ``defaults`` is an instance of a settings dataclass, whose annotations say what is taken: a number or
    text, one of the words of a ``Literal``, several with commas between for a tuple, a pair ``--x/--no-x``
    for what is on by default. What is None, empty or off by default shows no default. Further keywords go to
    ``click.option`` and come before what the annotation says.
    """
    hints = get_type_hints(type(defaults))

    def maker(name: str, text: str, **more: Any) -> Callable[[_Command], _Command]:
        flag, default = named_alike(name), getattr(defaults, name)
        if isinstance(default, bool):
            declared = f"{flag}/--no-{flag.removeprefix('--')}" if default else flag
            said: dict[str, Any] = {"is_flag": True, "default": default, "show_default": default}
        else:
            declared, said = flag, _taken(hints[name])
            if isinstance(default, tuple):
                default = ",".join(map(str, default))
            said |= {"default": default, "show_default": default not in (None, "")}
        return click.option(declared, **{"help": text, **said, **more})

    return maker


def named_alike(name: str) -> str:
    """The flag of the setting ``name``."""
    return f"--{name.replace('_', '-')}"


def together(*options: Callable[[_Command], _Command]) -> Callable[[_Command], _Command]:
    """``options`` as one decorator; ``--help`` shows them in this order."""

    def decorate(command: _Command) -> _Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def _taken(hint: Any) -> dict[str, Any]:
    if get_origin(hint) in (Union, types.UnionType):
        hint = next(one for one in get_args(hint) if one is not type(None))
    if get_origin(hint) is Literal:
        return {"type": click.Choice([str(word) for word in get_args(hint)])}
    if get_origin(hint) is tuple:
        return {"callback": _numbers if get_args(hint)[0] is float else _names}
    return {"type": hint}


def _names(context: click.Context, parameter: click.Parameter, value: str) -> tuple[str, ...]:  # noqa: ARG001
    return tuple(name.strip() for name in value.split(",") if name.strip())


def _numbers(context: click.Context, parameter: click.Parameter, value: str) -> tuple[float, ...]:
    try:
        return tuple(float(number) for number in value.split(",") if number.strip())
    except ValueError:
        raise click.BadParameter(
            "give numbers with commas between, such as 2,1.", context, parameter
        ) from None
