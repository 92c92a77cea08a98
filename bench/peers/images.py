#!/usr/bin/env python3
"""What others take for a training step of the convolutional VAE of Fig. 5 (64 images, Adam) and for J^T J of its decoder at 64
latents, in float32 on one thread and on two.

Lines of work, threads, way and milliseconds:
  torch  steps with channels last and first; Jacobians with tangents folded into the batch by torch.func.jvp, and by vmap(jacfwd);
         mse_loss of 64 images with its gradient, on one thread
  jax    Jacobians in the same two ways, compiled, channels last

    images.py torch|jax
"""
import os
import statistics
import subprocess
import sys
import time

batch, d = 64, 4


def milliseconds(work, times=12):
    found = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        found.append(time.perf_counter() - start)
    return statistics.median(found[2:]) * 1e3


def with_torch():
    import torch
    import torch.nn as nn

    def encoder():
        return nn.Sequential(nn.Conv2d(3, 32, 4, 2, 1), nn.ReLU(), nn.Conv2d(32, 32, 4, 2, 1), nn.ReLU(),
                             nn.Conv2d(32, 32, 4, 2, 1), nn.ReLU(), nn.Conv2d(32, 32, 4, 2, 1), nn.ReLU(), nn.Flatten(),
                             nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 2 * d))

    def decoder():
        return nn.Sequential(nn.Linear(d, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 512), nn.ReLU(),
                             nn.Unflatten(1, (32, 4, 4)), nn.ConvTranspose2d(32, 32, 4, 2, 1), nn.ReLU(),
                             nn.ConvTranspose2d(32, 32, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(32, 32, 4, 2, 1), nn.ReLU(),
                             nn.ConvTranspose2d(32, 3, 4, 2, 1))

    def step_of(memory_format):
        to_latent, to_image = encoder().to(memory_format=memory_format), decoder().to(memory_format=memory_format)
        optimiser = torch.optim.Adam([*to_latent.parameters(), *to_image.parameters()], lr=1e-3)
        images = torch.rand(batch, 3, 64, 64).to(memory_format=memory_format)

        def work():
            mu, s = to_latent(images).chunk(2, 1)
            z = torch.sigmoid(mu + torch.exp(s / 2) * torch.randn_like(mu))
            loss = (0.5 * ((images - to_image(z)) ** 2).sum((1, 2, 3)) + (mu * mu + s.exp() - s).sum(1)).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()

        return work

    def jacobians():
        to_image = decoder().requires_grad_(False)
        latents = torch.rand(batch, d)

        def gram(tangents):
            return torch.einsum("kbi,lbi->bkl", tangents, tangents)

        def by_directions():
            directions = torch.eye(d)[:, None, :].expand(d, batch, d)
            tangents = torch.func.vmap(lambda v: torch.func.jvp(to_image, (latents,), (v,))[1])(directions)
            return gram(tangents.reshape(d, batch, -1))

        def by_samples():
            jacobian = torch.func.vmap(torch.func.jacfwd(lambda z: to_image(z[None])[0].flatten()))(latents)
            return jacobian.transpose(1, 2) @ jacobian

        return {"folded": by_directions, "vmap(jacfwd)": by_samples}

    def mse_loss():
        images, decoded = torch.rand(batch, 3, 64, 64), torch.rand(batch, 3, 64, 64, requires_grad=True)

        def work():
            loss = 0.5 * nn.functional.mse_loss(decoded, images, reduction="sum")
            torch.autograd.grad(loss, decoded)

        return work

    torch.set_num_threads(1)
    print("loss 1 mse_loss", milliseconds(mse_loss(), 200))
    for threads in (1, 2):
        torch.set_num_threads(threads)
        for way, memory_format in (("channels_last", torch.channels_last), ("channels_first", torch.contiguous_format)):
            print("step", threads, way, milliseconds(step_of(memory_format)))
        with torch.no_grad():
            for way, work in jacobians().items():
                print("jacobian", threads, way, milliseconds(work))


def with_jax(threads):
    import jax
    import jax.numpy as jnp

    keys = iter(jax.random.split(jax.random.key(0), 100))

    def weights(*shape):
        return 0.1 * jax.random.normal(next(keys), shape)

    dense = [weights(i, o) for i, o in ((d, 256), (256, 256), (256, 512))]
    convolutions = [weights(4, 4, 32, o) for o in (32, 32, 32, 3)]
    latents = jax.random.uniform(next(keys), (batch, d))

    def to_image(z):
        for w in dense:
            z = jax.nn.relu(z @ w)
        x = z.reshape(-1, 4, 4, 32)
        for w in convolutions:
            x = jax.nn.relu(x) if w is not convolutions[0] else x
            x = jax.lax.conv_transpose(x, w, (2, 2), ((2, 2), (2, 2)), dimension_numbers=("NHWC", "HWIO", "NHWC"))
        return x.reshape(len(x), -1)

    def by_directions(z):
        directions = jnp.broadcast_to(jnp.eye(d)[:, None, :], (d, batch, d))
        tangents = jax.vmap(lambda v: jax.jvp(to_image, (z,), (v,))[1])(directions)
        return jnp.einsum("kbi,lbi->bkl", tangents, tangents)

    def by_samples(z):
        jacobian = jax.vmap(jax.jacfwd(lambda one: to_image(one[None])[0]))(z)
        return jnp.einsum("bik,bil->bkl", jacobian, jacobian)

    for way, function in (("folded", by_directions), ("vmap(jacfwd)", by_samples)):
        compiled = jax.jit(function)
        print("jacobian", threads, way, milliseconds(lambda: compiled(latents).block_until_ready()), flush=True)


def main():
    if sys.argv[1] == "torch":
        with_torch()
    elif sys.argv[2:]:
        with_jax(sys.argv[2])
    else:  # JAX takes as many threads as it finds cores when it is loaded
        cores = sorted(os.sched_getaffinity(0))
        for threads in (1, 2):
            subprocess.run([sys.executable, __file__, "jax", str(threads)], check=True,
                           preexec_fn=lambda: os.sched_setaffinity(0, cores[:threads]))


if __name__ == "__main__":
    main()
