#!/usr/bin/env python3
"""Pictures of sprites by Spriteworld's PILRenderer, for tests/sprite_renderer_test.cpp.

    python3 tests/golden/make_sprites.py tests/golden/sprites.npz

Written with spriteworld 1.0.2, Pillow 13.0, numpy 2.4 and matplotlib 3.11. Every shape is there upright and turned,
where the experiment has its sprites; then sprites that the edge cuts, tiny and large ones. No corner falls between two
pixels, where the last bit of a sine would decide. For each number of pixels in a row, N: `images_N`, (n, N, N, 3) of uint8, and
`factors_N`, (n, 6): the shape's number, x, y, scale, hue, angle in degrees.
"""
import sys

import numpy
import PIL.Image

# Its name in the Pillow of spriteworld's time.
PIL.Image.ANTIALIAS = PIL.Image.LANCZOS

from spriteworld import constants  # noqa: E402
from spriteworld import sprite  # noqa: E402
from spriteworld.renderers import color_maps, pil_renderer  # noqa: E402

SHAPES = list(constants.SHAPES)
EDGE_CASES = [  # x, y, scale, angle
    (0.0, 0.507, 0.2, 10.0),
    (0.97, 0.03, 0.3, 200.0),
    (0.503, 1.05, 0.25, 33.0),
    (1.5, 0.501, 0.1, 0.3),
    (0.401, 0.603, 0.004, 0.3),
    (0.31, 0.47, 0.02, 77.0),
    (0.503, 0.497, 0.9, 0.3),
    (0.501, 0.502, 0.1, 45.0),
    (0.2507, 0.7503, 0.2, 90.3),
]


def render(size, factors):
    shape, x, y, scale, hue, angle = factors
    renderer = pil_renderer.PILRenderer((size, size), anti_aliasing=5, color_to_rgb=color_maps.hsv_to_rgb)
    return renderer.render([sprite.Sprite(x=x, y=y, shape=SHAPES[int(shape)], angle=angle, scale=scale,
                                          c0=hue, c1=1.0, c2=1.0)])


def usual(generator, shape, angle):
    x, y = generator.uniform(0.2, 0.75, 2)
    return shape, x, y, generator.uniform(0.11, 0.2), generator.uniform(0, 1), angle


def main(path):
    generator = numpy.random.default_rng(5)
    rows = []
    for shape in range(len(SHAPES)):
        rows += [usual(generator, shape, 0.0), usual(generator, shape, generator.uniform(0, 360))]
    for i, (x, y, scale, angle) in enumerate(EDGE_CASES):
        for shape in (i % len(SHAPES), (i + 7) % len(SHAPES)):
            rows.append((shape, x, y, scale, (i + 1) / len(EDGE_CASES), angle))
    other_rows = [usual(generator, shape, generator.uniform(0, 360)) for shape in range(len(SHAPES))]

    arrays = {}
    for size, factors in ((64, rows), (32, other_rows)):
        arrays[f"images_{size}"] = numpy.stack([render(size, row) for row in factors])
        arrays[f"factors_{size}"] = numpy.array(factors, dtype=numpy.float64)
    numpy.savez_compressed(path, **arrays)


if __name__ == "__main__":
    main(sys.argv[1])
