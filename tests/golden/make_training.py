#!/usr/bin/env python3
"""Ten training steps of small VAEs by PyTorch in float64: losses and all gradients.

    python3 tests/golden/make_training.py > tests/golden/training.json

Written with PyTorch 1.13. The file holds everything that the replay needs: initial parameters, batches and noise, all
rounded to float32, so that a float32 run starts from the same. For the limits of a float32 run each loss and gradient
comes with its norm (see make_golden.py) over the parameters, the batch and the noise.
"""
import json

import torch
import torch.nn.functional as F

from make_golden import gaussian, latent_and_kl, norm, reconstruction

DIM, HIDDEN, LAYERS, BATCH, STEPS, RATE = 3, 7, 3, 7, 10, 1e-2

ACTIVATIONS = {
    "leaky_relu": lambda x: F.leaky_relu(x, 0.2),
    "smooth_leaky_relu": lambda x: 0.2 * x + 0.8 * F.softplus(x),
}


def rounded(x):
    return x.float().double()


def widths(inputs, hidden, outputs):
    return [inputs] + [hidden] * (LAYERS - 1) + [outputs]


def initial_parameters(learned_prior):
    mlps = {"encoder": widths(DIM, HIDDEN, 2 * DIM), "decoder": widths(DIM, HIDDEN, DIM)}
    if learned_prior:
        mlps["conditioner"] = widths(1, 4 * DIM, DIM)
    parameters = {}
    for name, sizes in mlps.items():
        for i, (fan_in, fan_out) in enumerate(zip(sizes, sizes[1:])):
            weight = torch.empty(fan_out, fan_in)
            torch.nn.init.xavier_uniform_(weight)
            parameters[f"{name}.fc.{i}.weight"] = rounded(weight)
            parameters[f"{name}.fc.{i}.bias"] = rounded((2 * torch.rand(fan_out) - 1) / fan_in ** 0.5)
    return parameters


def mlp(parameters, name, activation, x):
    for i in range(LAYERS):
        x = x if i == 0 else activation(x)
        x = F.linear(x, parameters[f"{name}.fc.{i}.weight"], parameters[f"{name}.fc.{i}.bias"])
    return x


def negative_elbo(parameters, activation, learned_prior, precision, x, noise):
    log_variance = torch.zeros(1, DIM)
    if learned_prior:
        log_variance = mlp(parameters, "conditioner", activation, torch.ones(1, 1))
    latent, kl = latent_and_kl(mlp(parameters, "encoder", activation, x), log_variance, noise, gaussian)
    return (reconstruction(x, mlp(parameters, "decoder", activation, latent), precision) + kl).mean()


def train(activation, learned_prior, precision):
    parameters = initial_parameters(learned_prior)
    names = list(parameters)
    start = {n: {"shape": list(p.shape), "values": p.flatten().tolist()} for n, p in parameters.items()}
    values = [torch.nn.Parameter(parameters[name]) for name in names]
    optimizer = torch.optim.Adam(values, lr=RATE)
    steps = []
    for _ in range(STEPS):
        x, noise = rounded(torch.randn(BATCH, DIM)), rounded(torch.randn(BATCH, DIM))

        def loss(*inputs):
            named = dict(zip(names, inputs))
            return negative_elbo(named, ACTIVATIONS[activation], learned_prior, precision, *inputs[len(names):])

        def gradients(*inputs):
            inputs = [v if v.requires_grad else v.clone().requires_grad_() for v in inputs]
            return torch.autograd.grad(loss(*inputs), inputs[:len(names)], create_graph=True)

        inputs = [value.detach() for value in values] + [x, noise]
        found = gradients(*inputs)
        steps.append({
            "observation": x.flatten().tolist(),
            "noise": noise.flatten().tolist(),
            "loss": {"value": loss(*inputs).item(), "norm": norm(loss, loss(*inputs), inputs)},
            "gradients": {n: {"norm": norm(lambda *v, i=i: gradients(*v)[i], g, inputs), "values": g.flatten().tolist()}
                          for i, (n, g) in enumerate(zip(names, found))},
        })
        for value, g in zip(values, found):
            value.grad = g.detach()
        optimizer.step()
    return {"activation": activation, "learned_prior": learned_prior, "precision": precision, "rate": RATE,
            "dim": DIM, "hidden": HIDDEN, "layers": LAYERS, "batch": BATCH, "parameters": start, "steps": steps}


def main():
    torch.set_num_threads(1)  # the arrays are tiny
    torch.manual_seed(1)
    trainings = [train("leaky_relu", False, 10.0), train("smooth_leaky_relu", True, 1000.0)]
    lines = []
    for training in trainings:
        steps = ",\n".join("  " + json.dumps(step, allow_nan=False) for step in training.pop("steps"))
        lines.append(f' {json.dumps(training)[:-1]}, "steps": [\n{steps}]}}')
    print("[\n" + ",\n".join(lines) + "\n]")


if __name__ == "__main__":
    main()
