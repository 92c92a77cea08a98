#!/usr/bin/env python3
"""Ten training steps of a small convolutional VAE by PyTorch in float64: losses, the first gradients, the last parameters.

    python3 tests/golden/make_image_training.py > tests/golden/image_training.json

The file holds everything that the replay needs: initial parameters, images in bytes, and noise. Weights are laid out as in
kernels/convolution.h.
"""
import json

import torch
import torch.nn.functional as F

from make_golden import beta, conv2d, conv_transpose2d, latent_and_kl

SIDE, CHANNELS, LATENT, FEATURES, HIDDEN, BATCH, STEPS, RATE, PRECISION = 16, 3, 2, 4, 6, 3, 10, 1e-2, 2.0


def shapes():
    found = {}
    for name, sizes in (("encoder", [FEATURES, HIDDEN, HIDDEN, 2 * LATENT]), ("decoder", [LATENT, HIDDEN, HIDDEN, FEATURES])):
        for i, (fan_in, fan_out) in enumerate(zip(sizes, sizes[1:])):
            found[f"{name}.fc.{i}.weight"] = (fan_out, fan_in)
            found[f"{name}.fc.{i}.bias"] = (fan_out,)
    for i in range(4):
        found[f"encoder.convolution.{i}.weight"] = (4, 4, CHANNELS if i == 0 else FEATURES, FEATURES)
        found[f"encoder.convolution.{i}.bias"] = (FEATURES,)
    for i in range(4):
        found[f"decoder.convolution.{i}.weight"] = (4, 4, CHANNELS if i == 3 else FEATURES, FEATURES)
        found[f"decoder.convolution.{i}.bias"] = (CHANNELS if i == 3 else FEATURES,)
    found["prior"] = (2, LATENT)
    return found


def mlp(p, name, x):
    for i in range(3):
        x = F.linear(x if i == 0 else F.relu(x), p[f"{name}.fc.{i}.weight"], p[f"{name}.fc.{i}.bias"])
    return x


def negative_elbo(p, images, noise):
    x = images
    for i in range(4):
        x = F.relu(conv2d(x, p[f"encoder.convolution.{i}.weight"], p[f"encoder.convolution.{i}.bias"], 2, 1))
    encoded = mlp(p, "encoder", x.reshape(BATCH, FEATURES))
    latent, kl = latent_and_kl(encoded, p["prior"].abs() + 2, noise, beta)
    x = F.relu(mlp(p, "decoder", latent)).reshape(BATCH, 1, 1, FEATURES)
    for i in range(4):
        x = conv_transpose2d(x, p[f"decoder.convolution.{i}.weight"], p[f"decoder.convolution.{i}.bias"], 2, 1)
        x = F.relu(x) if i < 3 else x
    squares = ((images - x) ** 2).sum((1, 2, 3))
    return (PRECISION / 2 * squares + kl).mean()


def main():
    torch.manual_seed(1)
    torch.set_default_dtype(torch.float64)
    p = {name: (0.8 * (2 * torch.rand(shape) - 1)).requires_grad_() for name, shape in shapes().items()}
    result = {"side": SIDE, "channels": CHANNELS, "latent": LATENT, "features": FEATURES, "hidden": HIDDEN, "rate": RATE,
              "precision": PRECISION, "parameters": {name: x.flatten().tolist() for name, x in p.items()}, "steps": []}
    adam = torch.optim.Adam(p.values(), lr=RATE)
    for step in range(STEPS):
        pixels = torch.randint(0, 256, (BATCH, SIDE, SIDE, CHANNELS))
        noise = torch.randn(BATCH, LATENT)
        adam.zero_grad()
        loss = negative_elbo(p, pixels / 255, noise)
        loss.backward()
        result["steps"].append({"pixels": pixels.flatten().tolist(), "noise": noise.flatten().tolist(), "loss": loss.item()})
        if step == 0:
            result["gradients"] = {name: x.grad.flatten().tolist() for name, x in p.items()}
        adam.step()
    result["trained"] = {name: x.flatten().tolist() for name, x in p.items()}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
