#!/usr/bin/env python3
"""Golden values of every case of tests/cases.cpp by PyTorch in float64.

    build/cpu/tests/dump_cases > cases.json
    python3 tests/golden/make_golden.py cases.json tests/golden/operations

Written with PyTorch 1.13 (Debian's python3-torch), forward_mode.json with 2.15. A case is a PyTorch expression of the operands a, b and c. Stored
per case, one line per array: each output, and the gradient of L = sum of weights * output with respect to each
differentiated operand; and for each array its norm,

    max over elements i of  abs(y_i) + sum_j abs(dy_i / dx_j) abs(x_j),    x_j every element of every operand and weight.

That is how far y moves, in units of eps, when each of them is rounded once: the sum of absolute terms of a sum or a
product, and the condition of a function. The tests' limit is k * eps * norm, k the number of roundings.
"""
import json
import math
import sys

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)


# The priors' log densities in the coordinate y of the encoder's Gaussian; parameters (2, dim) are the rows a and b.
def gaussian(y, parameters):
    scale = torch.exp(parameters[0] / 2)
    return torch.distributions.Normal(torch.zeros_like(scale), scale).log_prob(y)


def laplace(y, parameters):
    scale = torch.exp(parameters[0])
    return torch.distributions.Laplace(torch.zeros_like(scale), scale).log_prob(y)


def squashed_beta(y, a, b):
    log_z, log_1_minus_z = F.logsigmoid(y), F.logsigmoid(-y)
    log_beta_function = torch.lgamma(a) + torch.lgamma(b) - torch.lgamma(a + b)
    return (a - 1) * log_z + (b - 1) * log_1_minus_z - log_beta_function + log_z + log_1_minus_z


def beta(y, parameters):
    return squashed_beta(y, parameters[0], parameters[1])


def uniform(y, parameters):
    ones = torch.ones_like(y)
    return squashed_beta(y, ones, ones)


def latent_and_kl(encoder, parameters, noise, prior):
    mu, s = encoder.chunk(2, dim=1)
    y = mu + torch.exp(s / 2) * noise
    log_q = -0.5 * (noise * noise + s + math.log(2 * math.pi)).sum(1)
    return (torch.sigmoid(y) if prior in (beta, uniform) else y), log_q - prior(y, parameters).sum(1)


def latent_and_closed_kl(encoder, parameters, noise):
    mu, s = encoder.chunk(2, dim=1)
    q = torch.distributions.Normal(mu, torch.exp(s / 2))
    p = torch.distributions.Normal(torch.zeros_like(mu), torch.exp(parameters[0] / 2).expand_as(mu))
    return mu + torch.exp(s / 2) * noise, torch.distributions.kl_divergence(q, p).sum(1)


def reconstruction(observation, decoded, precision):
    columns = observation.shape[1]
    squares = ((observation - decoded) ** 2).sum(1)
    return precision / 2 * squares + columns / 2 * (math.log(2 * math.pi) - math.log(precision))


def dominant(tangents):
    return tangents + 3 * torch.eye(tangents.shape[0], tangents.shape[2])[:, None, :]


def c_ima(tangents):
    jacobian = tangents.permute(1, 2, 0)
    norms = torch.linalg.vector_norm(jacobian, dim=1).log().sum(1)
    if jacobian.shape[1] == jacobian.shape[2]:
        return norms - torch.linalg.slogdet(jacobian)[1]
    return norms - 0.5 * torch.linalg.slogdet(jacobian.transpose(1, 2) @ jacobian)[1]


def dual_mlp(z, weight, bias, activation):
    """Value and tangents of three layers, each column of the Jacobian by reverse mode."""
    z = z if z.requires_grad else z.clone().requires_grad_()
    hidden = activation(F.linear(activation(F.linear(z, weight, bias)), weight @ weight.T, bias))
    y = F.linear(hidden, weight.T, bias[:weight.shape[1]])
    rows = [torch.autograd.grad(y[:, c].sum(), z, create_graph=True)[0] for c in range(y.shape[1])]
    return y, torch.stack(rows, 2).permute(1, 0, 2)


def conv2d(images, weight, bias, stride, padding):
    """Of images (batch, height, width, channels) and a weight (kernel, kernel, in, out)."""
    result = F.conv2d(images.permute(0, 3, 1, 2), weight.permute(3, 2, 0, 1).contiguous(), bias, stride, padding)
    return result.permute(0, 2, 3, 1)


def conv_transpose2d(images, weight, bias, stride, padding):
    """Of images (batch, height, width, channels) and a weight (kernel, kernel, out, in)."""
    result = F.conv_transpose2d(images.permute(0, 3, 1, 2), weight.permute(3, 2, 0, 1).contiguous(), bias, stride, padding)
    return result.permute(0, 2, 3, 1)


def tensor(array):
    return torch.tensor(array["values"], dtype=torch.float64).reshape(array["shape"])


def norm(function, result, inputs):
    """The norm of the header, for one array `result` = function(*inputs)."""
    if result.numel() == 0:
        return 0.0
    moved = result.detach().abs()
    jacobians = torch.autograd.functional.jacobian(function, tuple(inputs))
    for jacobian, x in zip(jacobians, inputs):
        moved = moved + (jacobian * x).abs().reshape(*result.shape, x.numel()).sum(-1)
    return moved.max().item()


def golden(case):
    operands = [tensor(array) for array in case["operands"]]
    by = [i for i, array in enumerate(case["operands"]) if array["differentiated"]]
    weights = [tensor(array) for array in case["weights"]]
    expression = compile(case["torch"], case["torch"], "eval")

    def outputs(*operands):
        result = eval(expression, globals(), dict(zip("abc", operands)))
        return result if isinstance(result, tuple) else (result,)

    def gradients(*inputs):
        inputs = [x if x.requires_grad else x.clone().requires_grad_() for x in inputs]
        operands, weights = inputs[:len(case["operands"])], inputs[len(case["operands"]):]
        projection = sum((w * y).sum() for w, y in zip(weights, outputs(*operands)))
        found = torch.autograd.grad(projection, [operands[i] for i in by], create_graph=True, allow_unused=True)
        return tuple(torch.zeros_like(operands[i]) if g is None else g for i, g in zip(by, found))

    arrays = []
    for function, inputs in ((outputs, operands), (gradients, operands + weights)):
        for i, y in enumerate(function(*inputs)):
            size = norm(lambda *x, i=i, function=function: function(*x)[i], y, inputs)
            arrays.append({"shape": list(y.shape), "norm": size, "values": y.detach().flatten().tolist()})
    return {"fingerprint": case["fingerprint"], "arrays": arrays}


def family(key):
    """The file that holds a case."""
    if key.startswith(("torch.linalg.", "c_ima")):
        return "determinants"
    if key.startswith(("conv", "F.relu(conv")):
        return "convolutions"
    if key.startswith("dual_mlp"):
        return "forward_mode"
    return "elbo" if key.startswith(("latent_and_", "reconstruction")) else "elementary"


def main():
    with open(sys.argv[1]) as file:
        cases = json.load(file)
    entries = {}
    for key, case in cases.items():
        entry = golden(case)
        arrays = ",\n".join("   " + json.dumps(array, allow_nan=False) for array in entry.pop("arrays"))
        text = f' {json.dumps(key)}: {json.dumps(entry)[:-1]}, "arrays": [\n{arrays}]}}'
        entries.setdefault(family(key), []).append(text)
    for name, texts in entries.items():
        with open(f"{sys.argv[2]}/{name}.json", "w") as file:
            file.write("{\n" + ",\n".join(texts) + "\n}\n")


if __name__ == "__main__":
    main()
