// Paints one image of the sample: a textured background, clutter, the shape, something in front of it, noise. Pixels only, so
// that the same seed gives the same bytes in a worker, a page and Node.

import { integer, stream, type RandomStream } from '$lib/core/random';
import type { PixelImage } from '$lib/pipeline/contract';
import type { Distance } from './sample-shapes';

/** Lengths are parts of the image's side, colours 0..255. Tuned so that colour and place tell nothing; see sample.ts. */
const RADIUS = [0.36, 0.46] as const;
/** Of the centre from the middle, either way. */
const SHIFT = 0.05;
/** Least distance between any colour of the shape and any of the background, in RGB (black to white is 441). */
const CONTRAST = 150;
const CLUTTER_BEHIND = [2, 4] as const;
const CLUTTER_IN_FRONT = [0, 1] as const;
const CLUTTER_RADIUS = [0.03, 0.08] as const;
const LINE_WIDTH = [0.012, 0.03] as const;
/** Amplitude of the noise of an image. */
const NOISE = [0, 10] as const;
/** How far the second colour of the ground, and of the shape, is from its first: textures are calmer than outlines. */
const GROUND_TEXTURE = 0.35;
const SHAPE_TEXTURE = 0.6;
/** Muted enough for a gallery, far from grey. */
const SATURATION = [0.25, 0.8] as const;
const LIGHTNESS = [0.2, 0.85] as const;

type Colour = readonly [red: number, green: number, blue: number];

/** Two colours and how far each place is from the first to the second, 0 to 1; x and y in pixels. */
interface Texture {
  first: Colour;
  second: Colour;
  share: Field;
}

type Field = (x: number, y: number) => number;

/** Image `index` of the sample with this seed. */
export function drawShape(shape: Distance, size: number, seed: number, index: number): PixelImage {
  const random = stream(seed, 'sample', index);
  const canvas: Canvas = { size, data: new Float32Array(size * size * 3) };
  const ground = colour(random);
  const groundTexture = mix(ground, colour(random), GROUND_TEXTURE);
  const ink = farFrom([ground, groundTexture], random);
  const inkTexture = mix(ink, farFrom([ground, groundTexture], random), SHAPE_TEXTURE);
  paint(canvas, everywhere(size), { first: ground, second: groundTexture, share: texture(size, random) });
  repeat(CLUTTER_BEHIND, random, () => drawClutter(canvas, random));
  const radius = between(RADIUS, random) * size;
  const [x, y] = [random(), random()].map((place) => size * (0.5 + SHIFT * (2 * place - 1)));
  const placed = turned(shape, radius, x, y, 2 * Math.PI * random());
  paint(canvas, placed, { first: ink, second: inkTexture, share: texture(size, random) });
  repeat(CLUTTER_IN_FRONT, random, () => drawClutter(canvas, random));
  return finish(canvas, between(NOISE, random), random);
}

interface Canvas {
  size: number;
  /** [size, size, 3] */
  data: Float32Array;
}

function between([low, high]: readonly [number, number], random: RandomStream): number {
  return low + (high - low) * random();
}

function repeat([low, high]: readonly [number, number], random: RandomStream, draw: () => void): void {
  const times = low + integer(random, high - low + 1);
  for (let i = 0; i < times; i++) draw();
}

/** Hue, saturation, lightness as CSS defines them. */
function colour(random: RandomStream): Colour {
  const hue = 12 * random();
  const lightness = between(LIGHTNESS, random);
  const amplitude = between(SATURATION, random) * Math.min(lightness, 1 - lightness);
  const channel = (offset: number) => {
    const k = (offset + hue) % 12;
    return 255 * (lightness - amplitude * Math.max(-1, Math.min(k - 3, 9 - k, 1)));
  };
  return [channel(0), channel(8), channel(4)];
}

/** A colour that stands out from all of `others`; the farthest of many tries where they leave little room. */
function farFrom(others: readonly Colour[], random: RandomStream): Colour {
  let best: Colour = [0, 0, 0];
  let bestDistance = -1;
  for (let attempt = 0; attempt < 24 && bestDistance < CONTRAST; attempt++) {
    const candidate = colour(random);
    const distance = Math.min(...others.map((other) => Math.hypot(...candidate.map((value, i) => value - other[i]))));
    if (distance > bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

function mix(a: Colour, b: Colour, share: number): Colour {
  return [a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share, a[2] + (b[2] - a[2]) * share];
}

/** Plain, gradient, stripes, checks or clouds. */
function texture(size: number, random: RandomStream): Field {
  const kind = integer(random, 5);
  const angle = 2 * Math.PI * random();
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const period = between([0.1, 0.25], random) * size;
  const offset = random() * period;
  // Edges one pixel wide, as everything else is drawn.
  const wave = (t: number) => {
    const phase = (((t + offset) % period) + period) % period;
    return Math.min(1, Math.max(0, 0.5 + Math.min(phase - period / 4, (3 * period) / 4 - phase)));
  };
  switch (kind) {
    case 0:
      return () => 0;
    case 1:
      return (x, y) => Math.min(1, Math.max(0, 0.5 + ((x - size / 2) * cos + (y - size / 2) * sin) / size));
    case 2:
      return (x, y) => wave(x * cos + y * sin);
    case 3:
      return (x, y) => {
        const u = wave(x * cos + y * sin);
        const v = wave(y * cos - x * sin);
        return u + v - 2 * u * v;
      };
    default: {
      const clouds = valueNoise(size / period, random);
      return (x, y) => clouds(x / period, y / period);
    }
  }
}

/** Random numbers on a grid of `cells` a side, smoothly interpolated; takes coordinates in cells. */
function valueNoise(cells: number, random: RandomStream): Field {
  const side = Math.ceil(cells) + 2;
  const values = Float32Array.from({ length: side * side }, random);
  const smooth = (t: number) => t * t * (3 - 2 * t);
  return (u, v) => {
    const column = Math.floor(u);
    const row = Math.floor(v);
    const s = smooth(u - column);
    const t = smooth(v - row);
    const at = row * side + column;
    const top = values[at] + (values[at + 1] - values[at]) * s;
    const bottom = values[at + side] + (values[at + side + 1] - values[at + side]) * s;
    return top + (bottom - top) * t;
  };
}

/** An outline in pixels, and the box beyond which nothing of it is. */
interface Placed {
  distance: Distance;
  left: number;
  right: number;
  top: number;
  bottom: number;
}

function everywhere(size: number): Placed {
  return { distance: () => -1, left: 0, right: size, top: 0, bottom: size };
}

function turned(shape: Distance, radius: number, cx: number, cy: number, angle: number): Placed {
  const cos = Math.cos(angle) / radius;
  const sin = Math.sin(angle) / radius;
  const distance: Distance = (x, y) => {
    const dx = x - cx;
    const dy = y - cy;
    return shape(dx * cos + dy * sin, dy * cos - dx * sin) * radius;
  };
  return { distance, left: cx - radius, right: cx + radius, top: cy - radius, bottom: cy + radius };
}

/** Covers each pixel as far as the outline crosses it: edges are smooth. */
function paint({ size, data }: Canvas, placed: Placed, { first, second, share }: Texture): void {
  const clamp = (value: number) => Math.min(size, Math.max(0, value));
  const [left, right] = [clamp(Math.floor(placed.left) - 1), clamp(Math.ceil(placed.right) + 2)];
  const [top, bottom] = [clamp(Math.floor(placed.top) - 1), clamp(Math.ceil(placed.bottom) + 2)];
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) {
      const cover = Math.min(1, 0.5 - placed.distance(x, y));
      if (cover <= 0) continue;
      const way = share(x, y);
      const at = (y * size + x) * 3;
      for (let channel = 0; channel < 3; channel++) {
        const ink = first[channel] + (second[channel] - first[channel]) * way;
        data[at + channel] += (ink - data[at + channel]) * cover;
      }
    }
  }
}

/** A small disc or a thin line, anywhere. */
function drawClutter(canvas: Canvas, random: RandomStream): void {
  const { size } = canvas;
  const first = colour(random);
  const plain: Texture = { first, second: first, share: () => 0 };
  const [x, y] = [size * random(), size * random()];
  if (random() < 0.5) {
    const radius = between(CLUTTER_RADIUS, random) * size;
    paint(
      canvas,
      turned((u, v) => Math.hypot(u, v) - 1, radius, x, y, 0),
      plain,
    );
  } else {
    const half = Math.max(0.5, between(LINE_WIDTH, random) * size);
    paint(canvas, line(x, y, size * random(), size * random(), half), plain);
  }
}

function line(ax: number, ay: number, bx: number, by: number, half: number): Placed {
  const [ex, ey] = [bx - ax, by - ay];
  const length = Math.max(1e-6, ex * ex + ey * ey);
  const distance: Distance = (x, y) => {
    const along = Math.min(1, Math.max(0, ((x - ax) * ex + (y - ay) * ey) / length));
    return Math.hypot(x - ax - along * ex, y - ay - along * ey) - half;
  };
  return {
    distance,
    left: Math.min(ax, bx) - half,
    right: Math.max(ax, bx) + half,
    top: Math.min(ay, by) - half,
    bottom: Math.max(ay, by) + half,
  };
}

/** Adds even noise of this amplitude and rounds to bytes. */
function finish({ size, data }: Canvas, noise: number, random: RandomStream): PixelImage {
  const bytes = new Uint8ClampedArray(data.length);
  for (let i = 0; i < data.length; i++) bytes[i] = data[i] + noise * (2 * random() - 1);
  return { width: size, height: size, data: bytes };
}
