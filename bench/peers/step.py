#!/usr/bin/env python3
"""What a training step of bench_step's models takes elsewhere, in float32, on one thread or on a GPU, data in memory, nothing logged.

Lines of model, activation, peer, way, and microseconds for a step of one model. The same VAE each time: MLPs with LeakyReLU, its
smooth form or GELU, Gaussian prior, sampled KL, Adam, batches in shuffled order. Of several ways the best one counts, so all are printed:
  torch  eager, with fused Adam; compiled; many models stacked under torch.func.vmap, as baddbmm would do it; on a GPU this
         once more with all launches of a step in a graph
  jax    lax.scan over steps, one model or several under vmap

    step.py torch|jax [cpu|cuda]
"""
import functools
import os
import statistics
import sys
import time

on_gpu = sys.argv[2:] == ["cuda"]
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
os.environ.setdefault("JAX_PLATFORMS", "cuda" if on_gpu else "cpu")

samples, precision, slope = 42_000, 1e4, 0.2
workloads = [
    ("Fig.2", "leaky_relu", 3, 4, 60, 64),
    ("Fig.2", "smooth_leaky_relu", 3, 4, 60, 64),
    ("Moebius", "leaky_relu", 3, 2, 30, 64),
    ("Moebius", "gelu", 3, 2, 30, 64),
    ("wide", "leaky_relu", 10, 4, 256, 256),
]


clock = time.thread_time  # seconds of this thread


def median_seconds(run, steps):
    run()
    times = []
    for _ in range(5):
        start = clock()
        run()
        times.append(clock() - start)
    return statistics.median(times) / steps


def widths(dim, layers, hidden):
    return [dim] + [hidden] * (layers - 1) + [2 * dim], [dim] + [hidden] * (layers - 1) + [dim]


def with_torch(dim, layers, hidden, batch, activation):
    import torch
    import torch.nn.functional as F

    torch.set_num_threads(1)
    torch.set_default_device("cuda" if on_gpu else "cpu")
    act = {
        "leaky_relu": lambda x: F.leaky_relu(x, slope),
        "smooth_leaky_relu": lambda x: slope * x + (1 - slope) * F.softplus(x),
        "gelu": lambda x: F.gelu(x, approximate="tanh"),
    }[activation]
    data = torch.randn(samples, dim)

    def network(sizes):
        return [torch.nn.Parameter(t) for i, o in zip(sizes, sizes[1:]) for t in (torch.randn(o, i) / i**0.5, torch.zeros(o))]

    def apply(x, parameters):
        for i in range(0, len(parameters), 2):
            x = F.linear(x if i == 0 else act(x), parameters[i], parameters[i + 1])
        return x

    count = 2 * layers

    def loss(parameters, x, eps):
        mu, s = apply(x, parameters[:count]).chunk(2, -1)
        z = mu + torch.exp(0.5 * s) * eps
        kl = 0.5 * (z * z - s - eps * eps).sum(-1)
        return (0.5 * precision * (x - apply(z, parameters[count:])).square().sum(-1) + kl).mean()

    encoder, decoder = widths(dim, layers, hidden)
    wait = torch.cuda.synchronize if on_gpu else lambda: None

    def eager(function, steps):
        parameters = network(encoder) + network(decoder)
        adam = torch.optim.Adam(parameters, lr=1e-4, fused=True)

        def run():
            order = torch.randperm(samples)
            for i in range(steps):
                x = data[order[i * batch : (i + 1) * batch]]
                adam.zero_grad()
                function(parameters, x, torch.randn(batch, dim)).backward()
                adam.step()
            wait()

        return median_seconds(run, steps)

    steps = 20 if hidden > 100 else 100
    yield "eager", eager(loss, steps)
    try:
        yield "compiled", eager(torch.compile(loss), steps)
    except Exception as error:
        print(f"torch.compile: {error}", file=sys.stderr)
    for models in (8,) if hidden > 100 else (32, 120):
        parameters = [torch.nn.Parameter(torch.stack([p.detach()] * models)) for p in network(encoder) + network(decoder)]
        adam = torch.optim.Adam(parameters, lr=1e-4, fused=True, capturable=on_gpu)
        losses = torch.func.vmap(loss)

        def step():
            x = data[torch.randint(samples, (models, batch))]
            adam.zero_grad()
            losses(parameters, x, torch.randn(models, batch, dim)).sum().backward()
            adam.step()

        def run(make_step=step, repeats=50 if on_gpu else 5):
            for _ in range(repeats):
                make_step()
            wait()

        yield f"stacked_{models}", median_seconds(run, (50 if on_gpu else 5) * models)
        if on_gpu:
            try:
                graph = torch.cuda.CUDAGraph()
                with torch.cuda.graph(graph):
                    step()
                yield f"stacked_{models}_graph", median_seconds(lambda: run(graph.replay), 50 * models)
            except Exception as error:
                print(f"torch.cuda.graph: {error}", file=sys.stderr)


def with_jax(dim, layers, hidden, batch, activation):
    import jax
    import jax.numpy as jnp

    act = {
        "leaky_relu": lambda x: jnp.where(x > 0, x, slope * x),
        "smooth_leaky_relu": lambda x: slope * x + (1 - slope) * jax.nn.softplus(x),
        "gelu": jax.nn.gelu,
    }[activation]
    encoder, decoder = widths(dim, layers, hidden)
    data = jax.random.normal(jax.random.key(0), (samples, dim))
    tree = jax.tree_util.tree_map

    def network(key, sizes):
        keys = jax.random.split(key, len(sizes))
        return [(jax.random.normal(k, (i, o)) / i**0.5, jnp.zeros(o)) for k, i, o in zip(keys, sizes, sizes[1:])]

    def apply(x, parameters):
        for i, (weight, bias) in enumerate(parameters):
            x = (x if i == 0 else act(x)) @ weight + bias
        return x

    def loss(parameters, x, eps):
        mu, s = jnp.split(apply(x, parameters[0]), 2, -1)
        z = mu + jnp.exp(0.5 * s) * eps
        kl = 0.5 * (z * z - s - eps * eps).sum(-1)
        return (0.5 * precision * jnp.square(x - apply(z, parameters[1])).sum(-1) + kl).mean()

    def step(state, key):
        parameters, m, v, t = state
        of_rows, of_noise = jax.random.split(key)
        x = data[jax.random.randint(of_rows, (batch,), 0, samples)]
        gradient = jax.grad(loss)(parameters, x, jax.random.normal(of_noise, (batch, dim)))
        t = t + 1
        m = tree(lambda m, g: 0.9 * m + 0.1 * g, m, gradient)
        v = tree(lambda v, g: 0.999 * v + 0.001 * g * g, v, gradient)
        update = lambda p, m, v: p - 1e-4 * (m / (1 - 0.9**t)) / (jnp.sqrt(v / (1 - 0.999**t)) + 1e-8)
        return (tree(update, parameters, m, v), m, v, t), None

    steps = 20 if hidden > 100 else 200

    @functools.partial(jax.jit, donate_argnums=0)
    def one(state, key):
        return jax.lax.scan(step, state, jax.random.split(key, steps))[0]

    def initial(key):
        keys = jax.random.split(key)
        parameters = (network(keys[0], encoder), network(keys[1], decoder))
        return (parameters, tree(jnp.zeros_like, parameters), tree(jnp.zeros_like, parameters), 0.0)

    for models in (1, 120) if on_gpu else (1,) if hidden > 100 else (1, 8):
        if models == 1:
            state, run_steps, key = initial(jax.random.key(1)), one, jax.random.key(2)
        else:
            state = jax.vmap(initial)(jax.random.split(jax.random.key(1), models))
            run_steps, key = jax.jit(jax.vmap(one)), jax.random.split(jax.random.key(2), models)
        holder = [state]

        def run():
            holder[0] = jax.block_until_ready(run_steps(holder[0], key))

        yield ("scan" if models == 1 else f"scan_vmap_{models}"), median_seconds(run, steps * models)


def main():
    global clock
    peer = sys.argv[1]
    # XLA computes in threads of its own, whose time is not this thread's, nor is a GPU's.
    if on_gpu:
        clock = time.perf_counter
    elif peer == "jax":
        clock = time.process_time
    ways = {"torch": with_torch, "jax": with_jax}[peer]
    for name, activation, dim, layers, hidden, batch in workloads:
        for way, seconds in ways(dim, layers, hidden, batch, activation):
            print(name, activation, peer, way, seconds * 1e6, flush=True)


if __name__ == "__main__":
    main()
