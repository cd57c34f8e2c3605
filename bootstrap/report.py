"""What a start says: a line for each thing that a person should know, or one JSON object."""

from typing import Any

from bootstrap import actions, observe, storage
from bootstrap.names import printable
from bootstrap.start import Result

_VERBS = {
    actions.MakeFolder: "new folder in storage",
    actions.Ensure: "new folder for the bootstrap's own",
    actions.MarkBase: "storage's .local taken for this image and Python",
    actions.MakeFile: "new file in storage",
    actions.Adopt: "moved into storage",
    actions.Replace: "changed to the other side's",
    actions.Retire: "what this home no longer has set aside in storage",
    actions.Prune: "old copies removed that storage has too",
    actions.Keep: "copy of this home's own kept in storage",
    actions.SetAside: "this home's own set aside",
    actions.Link: "linked",
    actions.Relink: "link changed",
    actions.DropAside: "the same in both",
    actions.RemoveLink: "dead link removed",
    actions.ChangeMode: "permissions mended",
    actions.Write: "written",
    actions.Remove: "removed",
    actions.Restore: "a file or folder of this home's own again",
    actions.GiveBack: "what was set aside is back",
}


def where(result: Result) -> str:
    """One line on the storage."""
    place = result.place
    if place.profile.home_persists:
        return f"On {place.profile.name} this home persists by itself, so nothing is linked."
    if place.storage.root is None:
        return f"Nothing will persist this time: {place.storage.reason}. Your home is left as it is."
    if result.busy:
        return f"Another notebook is changing {place.storage.root}; only what is complete there is linked."
    if place.storage.state == storage.READ_ONLY:
        return f"{place.storage.root} cannot be written; what is in it is linked, changes will not persist."
    return f"Your environment persists in {place.items}."


def describe(steps: tuple[actions.Action, ...]) -> str:
    """The steps of a group in words, each kind once."""
    return ", ".join(dict.fromkeys(_VERBS[type(step)] for step in steps))


def lines(result: Result, *, everything: bool = True) -> list[str]:
    """What a person reads; without ``everything`` only what is out of the ordinary."""
    text = [where(result)]
    if result.place.foreign_home and result.place.links:
        text.append(f"HOME is {result.place.home}, but ssh looks for keys in this user's home on record.")
    for group in result.plan.groups if result.done is None else result.done:
        steps = describe(group.actions)
        if group.problem:
            text.append(f"{group.name}: NOT DONE: {group.problem}")
        if group.note and (everything or group.actions or not group.problem):
            text.append(f"{group.name}: {group.note}")
        if everything and steps:
            text.append(f"{group.name}: {steps}")
    return [printable(line) for line in text]


def status_lines(result: Result) -> list[str]:
    """One line an item: what is, not what was done."""
    text = [where(result)]
    for group in result.plan.groups:
        if group.problem:
            state = f"cannot be kept: {group.problem}"
        elif group.actions:
            state = f"`apply` would do: {describe(group.actions)}"
        else:
            state = group.note or _standing(result, group.name)
        if not state:
            continue
        text.append(f"{group.name:18} {state}")
    return [printable(line) for line in text]


def _standing(result: Result, name: str) -> str:
    """How a group stands that needs no step: nothing is called in place that is not there."""
    if name in ("commands", "environment", "jupyter", "ipython", "caches"):
        return "in place"
    items = [state for state in result.states if state.item.name == name]
    if not items:
        return ""  # no link to show the storage by, and none is wanted
    return "in place" if items[0].home == observe.OURS else "not kept: neither home nor storage has it"


def as_json(result: Result, command: str) -> dict[str, Any]:
    """The same for programs. No content of any file is in it."""
    place = result.place
    groups = result.plan.groups if result.done is None else result.done
    states = {state.item.name: state for state in result.states}
    return {
        "command": command,
        "status": result.status,
        "home": place.home,
        "storage": {
            "path": place.storage.root,
            "state": place.storage.state,
            "reason": place.storage.reason,
            "busy": result.busy,
        },
        "profile": place.profile.name,
        "user": place.settings.user,
        "converged": result.plan.is_empty and not result.problems,
        "items": [
            {
                "name": group.name,
                **_how(states.get(group.name)),
                "actions": [_step(step) for step in group.actions],
                "problem": group.problem or None,
                "note": group.note or None,
            }
            for group in groups
        ],
    }


def _how(state: observe.ItemState | None) -> dict[str, str]:
    """How an item persists, and what happens where both sides have it."""
    return {"persist": state.way, "conflict": state.policy} if state else {}


def _step(step: actions.Action) -> dict[str, Any]:
    fields = {name: value for name, value in step._asdict().items() if name != "content"}
    for name in ("mode", "was"):
        if isinstance(fields.get(name), int):
            fields[name] = f"{fields[name]:03o}"
    return {"action": type(step).__name__, **fields}
