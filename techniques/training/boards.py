"""Curves for TensorBoard, where the course looks for them: port 6006."""

from pathlib import Path

from techniques.training.trainer import Pause

__all__ = ["Boards", "how_to_look"]

_OURS = ".deepdesign"  # ends the names of our files: whatever else is in the folder stays there


class Boards:
    """Writes the curves of one training into ``folder``; from step ``start`` on, for a resumed one."""

    def __init__(self, folder: Path, *, start: int) -> None:
        # Imported here: it brings TensorBoard's own modules, which take a second.
        from torch.utils.tensorboard import SummaryWriter

        if start == 0:
            for old in folder.glob(f"*{_OURS}"):  # curves of a training that is being replaced
                old.unlink()
        self._writer = SummaryWriter(str(folder), purge_step=start or None, filename_suffix=_OURS)

    def __call__(self, pause: Pause) -> None:
        """Add what ``pause`` tells."""
        epoch = pause.epoch
        if epoch is None:
            self._add("loss/in this epoch so far", pause.loss, pause.done)
            return
        for name, value in (
            ("loss/training", epoch.loss),
            ("loss/held out", epoch.val_loss),
            ("accuracy/training", epoch.accuracy),
            ("accuracy/held out", epoch.val_accuracy),
            ("speed/learning rate", epoch.rate),
            ("speed/pictures a second", epoch.pictures_per_second),
        ):
            if value is not None:
                self._add(name, value, pause.done)
        self._writer.flush()

    def close(self) -> None:
        """Write what is left."""
        self._writer.close()

    def _add(self, name: str, value: float, step: int) -> None:
        self._writer.add_scalar(name, value, step)


def how_to_look(folder: Path) -> str:
    """The command that shows the curves, also from another machine."""
    return f"tensorboard --logdir {folder} --port 6006 --bind_all"
