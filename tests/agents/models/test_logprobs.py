"""Chosen log-probs, entropy and gradients are those of the plain formula, and no [N, V] is kept for backward."""

import pytest
import torch
from torch import Tensor

from agents.models import logprobs
from agents.models.logprobs import chosen_logprobs

N, D, V = 23, 5, 40
FORBIDDEN = torch.tensor([0, 7, 39])


def inputs(dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(N, D, generator=generator, dtype=dtype).requires_grad_()
    weight = torch.randn(V, D, generator=generator, dtype=dtype).requires_grad_()
    chosen = torch.randint(8, 39, (N,), generator=generator)
    return hidden, weight, chosen, torch.randn(N, generator=generator, dtype=dtype)


def plain(hidden: Tensor, weight: Tensor, chosen: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    logits = (hidden @ weight.T).index_fill(-1, FORBIDDEN, float("-inf")) / temperature
    distribution = torch.log_softmax(logits, -1)
    entropy = torch.distributions.Categorical(logits=logits[:, [i for i in range(V) if i not in FORBIDDEN]]).entropy()
    return distribution.gather(-1, chosen[:, None])[:, 0], entropy


@pytest.fixture(params=[(2**24, 2**21), (2**24, 0), (4 * V, 0)], ids=["kept", "again", "chunks"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The three ways through: probabilities kept, computed again, and in chunks of four rows."""
    monkeypatch.setattr(logprobs, "CHUNK", request.param[0])
    monkeypatch.setattr(logprobs, "KEEP", request.param[1])


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_chosen_logprobs_equal_the_plain_formula(dtype: torch.dtype) -> None:
    hidden, weight, chosen, slopes = inputs(dtype)
    got, entropy = chosen_logprobs(hidden, weight, chosen, FORBIDDEN, 0.7)
    expected, spread = plain(hidden, weight, chosen, 0.7)
    torch.testing.assert_close(got, expected)
    torch.testing.assert_close(entropy, spread)
    assert not entropy.requires_grad
    torch.testing.assert_close(
        torch.autograd.grad(got, (hidden, weight), slopes), torch.autograd.grad(expected, (hidden, weight), slopes)
    )


@pytest.mark.usefixtures("way")
def test_chosen_logprobs_pass_gradcheck() -> None:
    hidden, weight, chosen, _ = inputs()
    assert torch.autograd.gradcheck(lambda h, w: chosen_logprobs(h, w, chosen, FORBIDDEN, 1.3)[0], (hidden, weight))


def test_a_forbidden_token_takes_no_share() -> None:
    hidden, weight, chosen, _ = inputs()
    with torch.no_grad():
        weight[FORBIDDEN] += 100 * torch.sign(hidden[0])  # as likely as can be
        both = chosen_logprobs(hidden, weight, chosen, FORBIDDEN, 1.0)
    torch.testing.assert_close(both[0], plain(hidden, weight, chosen, 1.0)[0])


@pytest.mark.usefixtures("way")
def test_a_frozen_head_gets_no_gradient() -> None:
    hidden, weight, chosen, slopes = inputs()
    frozen = weight.detach()
    got = torch.autograd.grad(chosen_logprobs(hidden, frozen, chosen, FORBIDDEN, 1.0)[0], hidden, slopes)[0]
    expected = torch.autograd.grad(plain(hidden, weight, chosen, 1.0)[0], hidden, slopes)[0]
    torch.testing.assert_close(got, expected)


def test_half_precision_is_summed_in_full() -> None:
    hidden, weight, chosen, slopes = (tensor.detach() for tensor in inputs(torch.float32))
    low = [tensor.bfloat16().requires_grad_() for tensor in (hidden, weight)]
    got, entropy = chosen_logprobs(low[0], low[1], chosen, FORBIDDEN, 1.0)
    high = [tensor.detach().float().requires_grad_() for tensor in low]
    expected, spread = plain(high[0], high[1], chosen, 1.0)
    assert got.dtype == entropy.dtype == torch.float32
    torch.testing.assert_close(got, expected, atol=0.03, rtol=0)  # logits up to 8 are rounded to 1/64
    torch.testing.assert_close(entropy, spread, atol=0.03, rtol=0)
    ours, theirs = torch.autograd.grad(got, low, slopes), torch.autograd.grad(expected, high, slopes)
    for a, b in zip(ours, theirs, strict=True):
        assert a.dtype == torch.bfloat16
        torch.testing.assert_close(a.float(), b, atol=0.1, rtol=0.02)


def test_autocast_computes_in_its_type() -> None:
    hidden, weight, chosen, slopes = inputs(torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        got, _ = chosen_logprobs(hidden, weight, chosen, FORBIDDEN, 1.0)
    low = chosen_logprobs(hidden.bfloat16(), weight.bfloat16(), chosen, FORBIDDEN, 1.0)[0]
    torch.testing.assert_close(got, low)
    assert torch.autograd.grad(got, weight, slopes)[0].dtype == torch.float32


def kept_for_backward(rows: int, vocabulary: int, by_formula: bool) -> int:
    """Elements that autograd keeps, the inputs aside."""
    hidden, weight = torch.randn(rows, 8, requires_grad=True), torch.randn(vocabulary, 8, requires_grad=True)
    chosen = torch.randint(1, vocabulary, (rows,))
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes() // tensor.element_size()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        if by_formula:
            logits = (hidden @ weight.T).index_fill(-1, torch.tensor([0]), float("-inf"))
            torch.log_softmax(logits, -1).gather(-1, chosen[:, None])
        else:
            chosen_logprobs(hidden, weight, chosen, torch.tensor([0]), 1.0)
    inputs = {tensor.untyped_storage().data_ptr() for tensor in (hidden, weight, chosen)}
    return sum(size for pointer, size in kept.items() if pointer not in inputs)


def test_a_large_vocabulary_is_never_held() -> None:
    rows, vocabulary = 256, 20_000  # more than KEEP
    assert kept_for_backward(rows, vocabulary, by_formula=True) >= rows * vocabulary
    assert kept_for_backward(rows, vocabulary, by_formula=False) <= 2 * rows


def test_chosen_logprobs_of_no_rows_are_empty() -> None:
    hidden, weight, chosen, _ = inputs()
    got, entropy = chosen_logprobs(hidden[:0], weight, chosen[:0], FORBIDDEN, 1.0)
    assert got.shape == entropy.shape == (0,)
    assert float(torch.autograd.grad(got.sum(), weight)[0].abs().sum()) == 0.0
