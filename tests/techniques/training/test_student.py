"""The families of architectures that people ask for, each through steps of a real training."""

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - the name that everybody reads

from techniques.classifiers.architectures import architecture_named
from techniques.training.settings import TrainSettings
from techniques.training.student import find_origin, make_student


@pytest.mark.parametrize(
    "name", ["vgg16", "resnet18", "efficientnet_b0", "mobilenet_v2", "squeezenet1_1", "efficientnet_lite0"]
)
def test_a_step_of_the_head_and_a_step_of_all_layers(name):
    settings = TrainSettings(arch=name, weights="none")
    origin = find_origin(settings, announce=print, report=lambda *_: None)
    least = architecture_named(name).least
    student = make_student(origin, ("a", "b"), view=(least, least), seed=0)
    images, labels = torch.rand(4, 3, least, least), torch.tensor([0, 1, 1, 1])
    head = {id(parameter) for parameter in student.head}

    for head_only in (True, False):
        student.learn(head_only=head_only)
        student.train(head_only=head_only)
        student.network.zero_grad(set_to_none=True)
        F.cross_entropy(student.network(images), labels).backward()

        parameters = list(student.core.parameters())
        learns = {id(one) for one in parameters if one.grad is not None}
        assert learns == (head if head_only else {id(one) for one in parameters})
        before = {
            key: value.clone() for key, value in student.core.state_dict().items() if "num_batches" not in key
        }
        groups = [{"params": found} for found, of_head, _ in student.groups() if of_head or not head_only]
        torch.optim.SGD(groups, lr=0.1).step()
        moved = {key for key, value in student.core.state_dict().items() if key in before}
        moved = {key for key in moved if not torch.equal(before[key], student.core.state_dict()[key])}
        assert all(key.startswith(origin.architecture.head) for key in moved) is head_only
        assert any(key.startswith(origin.architecture.head) for key in moved)
