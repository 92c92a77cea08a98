#!/usr/bin/env python3
"""What PyTorch takes for Jacobian and c_IMA of 12,000 samples of Fig. 2's decoder in float32 on one thread.

Lines of activation, milliseconds of the best way, and its name: vmap(jacfwd) of all samples or in chunks, and the best of
these compiled by torch.compile, where that works."""
import statistics
import sys
import time

import torch
import torch.nn.functional as F

torch.set_num_threads(1)
samples, d, hidden = 12_000, 3, 60
activations = {
    "leaky_relu": lambda x: F.leaky_relu(x, 0.2),
    "smooth_leaky_relu": lambda x: 0.2 * x + 0.8 * F.softplus(x),
    "gelu": lambda x: F.gelu(x, approximate="tanh"),
}


def contrasts(activation):
    """From latents to c_IMA."""
    widths = [d, hidden, hidden, hidden, d]
    layers = [torch.nn.Linear(i, o).requires_grad_(False) for i, o in zip(widths, widths[1:])]

    def decoder(z):
        for layer in layers[:-1]:
            z = activation(layer(z))
        return layers[-1](z)

    def function(latents):
        jacobian = torch.func.vmap(torch.func.jacfwd(decoder))(latents)
        return torch.linalg.vector_norm(jacobian, dim=1).log().sum(1) - torch.linalg.slogdet(jacobian)[1]

    return function


def milliseconds(function, latents, chunk):
    times = []
    with torch.no_grad():
        for _ in range(6):
            start = time.thread_time()
            for part in latents.split(chunk):
                function(part)
            times.append(time.thread_time() - start)
    return statistics.median(times[1:]) * 1e3  # the first one compiles


def main():
    latents = torch.randn(samples, d)
    for name, activation in activations.items():
        function = contrasts(activation)
        found = {f"chunks_of_{chunk}": milliseconds(function, latents, chunk) for chunk in (250, 1000, 3000, samples)}
        best = min(found, key=found.get)
        try:
            compiled = torch.compile(function)
            found["compiled_" + best] = milliseconds(compiled, latents, int(best.rsplit("_", 1)[1]))
        except Exception as error:  # it needs a C++ compiler, and there are functions that it does not know
            print(f"torch.compile: {error}", file=sys.stderr)
        best = min(found, key=found.get)
        print(name, found[best], best, flush=True)


if __name__ == "__main__":
    main()
