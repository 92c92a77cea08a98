#!/usr/bin/env python3
"""Sprites as Spriteworld draws them: their factors as JSON, their images as bytes compressed by zlib.

    python3 tests/golden/make_sprites.py tests/golden/sprites

Needs the packages spriteworld and numpy; written with spriteworld 1.0.2 and Pillow 12.
"""
import json
import sys
import zlib

import numpy as np
import PIL.Image

PIL.Image.ANTIALIAS = PIL.Image.LANCZOS  # its old name, which spriteworld knows
from spriteworld import sprite
from spriteworld.renderers import color_maps, pil_renderer

SHAPES = ["triangle", "square", "pentagon", "hexagon", "octagon", "circle", "star_4", "star_5", "star_6"]


def main():
    renderer = pil_renderer.PILRenderer(image_size=(64, 64), anti_aliasing=5, color_to_rgb=color_maps.hsv_to_rgb)
    random = np.random.default_rng(0)
    sprites, images = [], []
    for i in range(4 * len(SHAPES)):
        b = random.uniform(size=5)
        factors = {"shape": SHAPES[i % len(SHAPES)], "x": 0.2 + 0.55 * b[0], "y": 0.2 + 0.55 * b[1],
                   "scale": 0.11 + 0.09 * b[2], "hue": b[3], "angle": 0.0 if i < 2 * len(SHAPES) else 360 * b[4]}
        own = sprite.Sprite(x=factors["x"], y=factors["y"], shape=factors["shape"], scale=factors["scale"],
                            angle=factors["angle"], c0=factors["hue"], c1=1.0, c2=1.0)
        sprites.append(factors)
        images.append(renderer.render([own]))
    with open(sys.argv[1] + ".json", "w") as file:
        json.dump(sprites, file, indent=1)
        file.write("\n")
    with open(sys.argv[1] + ".zlib", "wb") as file:
        file.write(zlib.compress(np.array(images).tobytes(), 9))


if __name__ == "__main__":
    main()
