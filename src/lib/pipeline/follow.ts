// Masks and boxes that follow their image through crop, move and policy. All steps are taken in one go: a mask is sampled once, a
// box keeps its four corners until the end, so that neither gathers errors on the way.

import type { AugmentPlan } from './augment-plan';
import { moveMatrix, moveOf } from './geometry';
import { policyMove } from './policy-move';
import { coverGeometry, fitGeometry, type PixelPreprocess } from './preprocess';
import type { Box, Size } from './resize';
import { invert, type Fill, type Matrix } from './warp';

/** A whole number for each pixel, rows from the top: class or object. */
export interface IndexImage {
  width: number;
  height: number;
  data: Uint8Array<ArrayBuffer> | Uint16Array<ArrayBuffer>;
}

/** Something in a rectangle [x, y, width, height] in pixels; pixel i reaches from i to i + 1. */
export interface BoxAnnotation {
  readonly box: readonly [x: number, y: number, width: number, height: number];
}

/** From one frame to the next. */
export interface Step {
  /** From pixels of the result to those of the source. */
  matrix: Matrix;
  source: Size;
  result: Size;
  /** Of what lies outside of the source. */
  fill: Fill;
}

/** All that a plan does to the places of pixels, in order. `size` is the decoded image's. */
export function stepsOf(plan: AugmentPlan, size: Size, preprocess: PixelPreprocess, fill: Fill): Step[] {
  const [height, width] = preprocess.imageSize;
  const sample = { width, height };
  const steps: Step[] = [
    { matrix: preparation(plan.crop, size, preprocess), source: size, result: sample, fill: 'black' },
  ];
  const move = moveOf(plan, sample);
  if (move !== null) steps.push({ matrix: moveMatrix(move, sample), source: sample, result: sample, fill });
  for (const step of plan.policy) {
    const matrix = policyMove(step, sample);
    if (matrix !== null) steps.push({ matrix, source: sample, result: sample, fill });
  }
  return steps;
}

/** What random resized crop or the usual preprocessing does. */
function preparation(crop: Box | null, size: Size, preprocess: PixelPreprocess): Matrix {
  const [height, width] = preprocess.imageSize;
  const target = { width, height };
  if (crop !== null) return resized(crop, { x: 0, y: 0, ...target });
  const whole = { x: 0, y: 0, ...size };
  // An image of the net's size is left as it is, whatever the way.
  if (preprocess.resize === 'stretch' || (size.width === width && size.height === height))
    return resized(whole, { x: 0, y: 0, ...target });
  if (preprocess.resize === 'letterbox') return resized(whole, fitGeometry(size, target));
  const cover = coverGeometry(size, target);
  return resized(whole, { x: -cover.window.x, y: -cover.window.y, ...cover.size });
}

/** `source` is shown in `result`. */
function resized(source: Box, result: Box): Matrix {
  const [scaleX, scaleY] = [source.width / result.width, source.height / result.height];
  const x = (0.5 - result.x) * scaleX + source.x - 0.5;
  const y = (0.5 - result.y) * scaleY + source.y - 0.5;
  return [scaleX, 0, x, 0, scaleY, y, 0, 0, 1];
}

/** The nearest pixel of the mask; `outside` where there is none. */
export function followMask(mask: IndexImage, steps: readonly Step[], outside: number): IndexImage {
  const { width, height } = steps[steps.length - 1].result;
  const data = mask.data instanceof Uint8Array ? new Uint8Array(width * height) : new Uint16Array(width * height);
  const backwards = steps.toReversed();
  for (let y = 0, to = 0; y < height; y++)
    for (let x = 0; x < width; x++, to++) data[to] = lookUp(mask, backwards, x, y, outside);
  return { width, height, data };
}

function lookUp(
  { width, data }: IndexImage,
  backwards: readonly Step[],
  x: number,
  y: number,
  outside: number,
): number {
  for (const { matrix, source, fill } of backwards) {
    const [a, b, c, d, e, f, g, h, i] = matrix;
    const depth = g * x + h * y + i;
    if (depth <= 0) return outside;
    const [nextX, nextY] = [(a * x + b * y + c) / depth, (d * x + e * y + f) / depth];
    const inside = nextX >= -0.5 && nextY >= -0.5 && nextX < source.width - 0.5 && nextY < source.height - 0.5;
    if (!inside && fill !== 'edge') return outside;
    x = Math.max(0, Math.min(source.width - 1, nextX));
    y = Math.max(0, Math.min(source.height - 1, nextY));
  }
  return data[Math.floor(y + 0.5) * width + Math.floor(x + 0.5)];
}

/**
 * The rectangle around what is still to be seen of each box. Without those of which less than the share `visible` of their area
 * (as it has become) is.
 */
export function followBoxes<Annotation extends BoxAnnotation>(
  annotations: readonly Annotation[],
  steps: readonly Step[],
  visible: number,
): Annotation[] {
  const forward = steps.map(({ matrix, result }) => ({ matrix: invert(matrix), result }));
  return annotations.flatMap((annotation) => {
    const [x, y, width, height] = annotation.box;
    // Pixels' centres lie at whole numbers here.
    const [left, top, right, bottom] = [x - 0.5, y - 0.5, x + width - 0.5, y + height - 0.5];
    let whole: Polygon = [
      [left, top, 1],
      [right, top, 1],
      [right, bottom, 1],
      [left, bottom, 1],
    ];
    let seen = whole;
    for (const { matrix, result } of forward) {
      whole = flatten(clip(transform(whole, matrix), ([, , depth]) => depth - NEAR));
      seen = flatten(clipToFrame(transform(seen, matrix), result));
    }
    if (seen.length < 3 || area(seen) < visible * area(whole)) return [];
    const xs = seen.map((point) => point[0] + 0.5);
    const ys = seen.map((point) => point[1] + 0.5);
    const [minX, minY] = [Math.min(...xs), Math.min(...ys)];
    return [{ ...annotation, box: [minX, minY, Math.max(...xs) - minX, Math.max(...ys) - minY] as const }];
  });
}

/** Homogeneous: the point is (x / depth, y / depth). */
type Point = readonly [x: number, y: number, depth: number];
type Polygon = readonly Point[];

/** Nearer to the eye a point is behind it. */
const NEAR = 1e-6;

function transform(polygon: Polygon, [a, b, c, d, e, f, g, h, i]: Matrix): Polygon {
  return polygon.map(([x, y, w]) => [a * x + b * y + c * w, d * x + e * y + f * w, g * x + h * y + i * w]);
}

/** The part on the positive side of a line (Sutherland and Hodgman 1974); `side` is linear. */
function clip(polygon: Polygon, side: (point: Point) => number): Polygon {
  return polygon.flatMap((point, index) => {
    const next = polygon[(index + 1) % polygon.length];
    const [here, there] = [side(point), side(next)];
    const kept = here >= 0 ? [point] : [];
    if (here >= 0 === there >= 0) return kept;
    const t = here / (here - there);
    const between = (axis: 0 | 1 | 2) => point[axis] + t * (next[axis] - point[axis]);
    return [...kept, [between(0), between(1), between(2)] as const];
  });
}

function clipToFrame(polygon: Polygon, { width, height }: Size): Polygon {
  const sides: ((point: Point) => number)[] = [
    ([, , depth]) => depth - NEAR,
    ([x, , depth]) => x + 0.5 * depth,
    ([, y, depth]) => y + 0.5 * depth,
    ([x, , depth]) => (width - 0.5) * depth - x,
    ([, y, depth]) => (height - 0.5) * depth - y,
  ];
  return sides.reduce(clip, polygon);
}

function flatten(polygon: Polygon): Polygon {
  return polygon.map(([x, y, depth]) => [x / depth, y / depth, 1]);
}

function area(polygon: Polygon): number {
  let sum = 0;
  polygon.forEach(([x, y], index) => {
    const [nextX, nextY] = polygon[(index + 1) % polygon.length];
    sum += x * nextY - nextX * y;
  });
  return Math.abs(sum) / 2;
}
