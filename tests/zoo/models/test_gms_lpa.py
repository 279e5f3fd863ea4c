"""The registered networks: sizes of the paper, timm's manners, clear refusals."""

from __future__ import annotations

import sys

import pytest
import timm
import torch
from torch import nn

import zoo
from fertools.errors import ModelError
from zoo.layers import DualLogits, classification_loss
from zoo.models import describe_model, list_models, register, resolve_model_name
from zoo.models.gms_lpa import GmsLpa

DUAL = [name for name in list_models() if name.startswith("gms_lpa")]


def tiny(**arguments: object) -> GmsLpa:
    torch.manual_seed(0)
    model = timm.create_model("gms_lpa_tiny", num_classes=6, **arguments)
    assert isinstance(model, GmsLpa)
    return model


@pytest.mark.parametrize(
    ("branches", "millions"), [("global", 28.6), ("local", 41.2), ("both", 66.4)]
)
def test_parameters_come_within_two_and_a_half_percent_of_table_15(
    branches: str, millions: float
) -> None:
    with torch.device("meta"):
        model = GmsLpa("resnet50", num_classes=7, branches=branches)  # type: ignore[arg-type]
    count = sum(parameter.numel() for parameter in model.parameters())
    assert count / 1e6 == pytest.approx(millions, rel=0.025)


def test_feature_maps_have_the_sizes_of_sections_3_2_and_3_3() -> None:
    with torch.device("meta"):
        model = GmsLpa("resnet50").eval()
        images = torch.empty(1, 3, 224, 224)
    assert model.stem(images).shape == (1, 512, 28, 28)
    features = model.forward_features(images)
    assert features.global_features is not None
    assert features.global_features.shape == (1, 2048, 7, 7)
    assert features.local_features is not None
    assert features.local_features.shape == (1, 2048, 14, 14)


@pytest.mark.parametrize("name", DUAL)
def test_timm_makes_every_model(name: str) -> None:
    with torch.device("meta"):
        model = timm.create_model(name, num_classes=5).eval()
        size = model.default_cfg["input_size"]
        output = model(torch.empty(2, *size))
    assert isinstance(output, DualLogits)
    assert [tuple(part.shape) for part in output] == [(2, 5), (2, 5)]
    assert model.default_cfg["architecture"] == name


@pytest.mark.parametrize("name", list_models())
def test_every_model_can_be_described(name: str) -> None:
    with torch.device("meta"):
        facts = describe_model(name, num_classes=7)
    assert sum(facts.parts.values()) == facts.num_parameters
    assert facts.summary


def test_the_tiny_model_stays_small() -> None:
    assert describe_model("gms_lpa_tiny").num_parameters <= 1_500_000


@pytest.mark.parametrize("size", [64, 72, 112])
def test_training_and_evaluation_give_one_type_at_any_size(size: int) -> None:
    model = tiny()
    images = torch.randn(2, 3, size, size)
    assert isinstance(model(images), DualLogits)
    assert isinstance(model.eval()(images), DualLogits)


def test_every_parameter_gets_a_gradient() -> None:
    model = tiny()
    loss = classification_loss(model(torch.randn(4, 3, 64, 64)), torch.tensor([0, 1, 2, 3]))
    loss.total.backward()  # type: ignore[no-untyped-call]
    assert [n for n, p in model.named_parameters() if p.grad is None] == []


def test_a_sample_does_not_depend_on_its_batch() -> None:
    model = tiny().eval()
    images = torch.randn(5, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(model(images)[0][:1], model(images[:1])[0], rtol=1e-4, atol=1e-5)


def test_classifiers_can_be_replaced_and_left_out() -> None:
    model = tiny()
    model.reset_classifier(3)
    assert model.num_classes == 3
    assert {name: head.out_features for name, head in model.get_classifier().items()} == {
        "global": 3,
        "local": 3,
    }
    model.reset_classifier(0)
    assert [part.shape[1] for part in model(torch.randn(2, 3, 64, 64))] == [model.num_features] * 2


@pytest.mark.parametrize("branches", ["global", "local"])
def test_one_branch_alone_gives_plain_logits(branches: str) -> None:
    assert tiny(branches=branches)(torch.randn(2, 3, 64, 64)).shape == (2, 6)


@pytest.mark.parametrize("grid", [1, 3])
def test_other_patch_grids_work(grid: int) -> None:
    model = tiny(patch_grid=grid)
    assert model.local_branch is not None
    assert len(model.local_branch) == grid * grid
    assert model(torch.randn(2, 3, 64, 64)).local_logits.shape == (2, 6)


def test_weights_are_reproducible() -> None:
    first, second = tiny().state_dict(), tiny().state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_gray_pictures_are_refused() -> None:
    with pytest.raises(ModelError, match=r"\(2, 1, 64, 64\); expected \(N, 3, H, W\): repeat"):
        tiny()(torch.randn(2, 1, 64, 64))


def test_a_grid_too_fine_for_the_pictures_is_refused() -> None:
    with pytest.raises(ModelError, match="does not fit a feature map"):
        tiny(patch_grid=4)(torch.randn(2, 3, 8, 8))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"branches": "three"}, "expected 'both', 'global' or 'local'"),
        ({"patch_grid": 0}, "expected 1 or more"),
        ({"join": "mean"}, "expected 'concat' or 'sum'"),
        ({"groups": 0}, "groups is 0; expected 1 or more"),
        ({"pretrained": True}, "there are no pretrained weights"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        tiny(**arguments)


def test_an_unknown_argument_is_refused() -> None:
    with pytest.raises(ModelError, match=r"does not take the arguments \{.patches.: 3\}"):
        zoo.create_model("gms_lpa_tiny", num_classes=6, patches=3)


def test_an_unknown_model_offers_the_nearest_names() -> None:
    with pytest.raises(ModelError, match="did you mean gms_lpa_resnet50"):
        resolve_model_name("gms_lpa_resnet-50")


def test_an_alias_is_for_the_zoo_only() -> None:
    assert resolve_model_name("gms_lpa") == "gms_lpa_resnet50"
    assert not timm.is_model("gms_lpa")


@pytest.mark.parametrize("name", ["resnet18", "gms_lpa_tiny", "gms_lpa"])
def test_a_name_taken_already_is_refused(name: str) -> None:
    def entry(pretrained: bool = False) -> nn.Module:
        return nn.Identity()

    entry.__name__ = name
    with pytest.raises(ModelError, match=f"{name!r} is registered already"):
        register(entry)
    assert getattr(sys.modules[__name__], "__all__", None) is None
