// A job of version 1 draws and makes what it did when it was written: hashes taken from the program of that time.
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { mulberry32, stream } from '$lib/core/random';
import { withAddedIn2 } from '$lib/job/additions';
import { augment } from '$lib/pipeline/augment';
import { drawAugmentation, type AugmentSettings } from '$lib/pipeline/augment-plan';
import type { PixelImage } from '$lib/pipeline/contract';

const off = {
  horizontal_flip: 0,
  vertical_flip: 0,
  shift: 0,
  rotation: 0,
  random_resized_crop: { enabled: false, scale: [0.3, 1], ratio: [0.75, 1.33] },
  color_jitter: { brightness: 0, contrast: 0, saturation: 0, hue: 0 },
};
const jitter = { brightness: 0.3, contrast: 0.4, saturation: 0.5, hue: 0.1 };
const crop = { ...off.random_resized_crop, enabled: true };

/** The settings as a job has them after its migration. */
function migrated(augmentation: typeof off): AugmentSettings {
  return (withAddedIn2({ augment: augmentation }) as { augment: AugmentSettings }).augment;
}

function picture(width: number, height: number): PixelImage {
  const random = mulberry32(5);
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i % 200) + Math.floor(random() * 56));
  return { width, height, data };
}

const hash = (content: string | Uint8Array) => createHash('sha256').update(content).digest('hex').slice(0, 16);

test.each([
  ['nothing', off, '8a05e1cd61d64cba', '439f4381ce22f2b5'],
  ['flips', { ...off, horizontal_flip: 0.5, vertical_flip: 0.3 }, '76c216767557a72a', 'cdd372ed810a397a'],
  ['flips and shift', { ...off, horizontal_flip: 0.5, shift: 4 }, 'ebdd45c6eea8dae2', '770c1bb47b05688d'],
  ['rotation', { ...off, rotation: 25 }, '18d217768fbee761', '903c7f856a06e844'],
  [
    'rotation of shifted, flipped images',
    { ...off, vertical_flip: 0.5, shift: 3, rotation: 10 },
    'ac45ee77117adc71',
    '06a4a7b31abeabc1',
  ],
  ['jitter', { ...off, color_jitter: jitter }, '7392962fe20ddfa4', '9954fab9c8616807'],
  ['crops', { ...off, random_resized_crop: crop }, 'fc33af77cf363dbc', '576fef6db77bae8e'],
  [
    'everything',
    {
      horizontal_flip: 0.5,
      vertical_flip: 0.5,
      shift: 2,
      rotation: 15,
      random_resized_crop: crop,
      color_jitter: jitter,
    },
    'f062ffbd8cec9ef5',
    'a37304c7e360f86a',
  ],
])('%s', (_name, settings, plans, pixels) => {
  const drawn: string[] = [];
  const made = createHash('sha256');
  for (const [width, height] of [
    [40, 30],
    [24, 24],
    [50, 80],
  ])
    for (let item = 0; item < 12; item++) {
      const image = picture(width, height);
      const streamOf = () => stream(7, 'augment', 3, item);
      const {
        flipX,
        flipY,
        shiftX,
        shiftY,
        angle,
        jitter: steps,
        crop: box,
      } = drawAugmentation(migrated(settings), image, streamOf());
      drawn.push(JSON.stringify({ flipX, flipY, shiftX, shiftY, angle, jitter: steps, crop: box }));
      const preprocess = { imageSize: [24, 24], resize: 'crop', interpolation: 'bilinear' } as const;
      made.update(augment(image, migrated(settings), preprocess, streamOf()).data);
    }
  expect([hash(drawn.join('\n')), made.digest('hex').slice(0, 16)]).toEqual([plans, pixels]);
});
