// Encoded images for tests, made byte by byte where the browser has no encoder for them: EXIF, BMP, GIF, AVIF.

export type Rgb = readonly [number, number, number];

/** A canvas painted by a function of the pixel, straight alpha. */
export function paint(
  width: number,
  height: number,
  color: (x: number, y: number) => readonly number[],
): OffscreenCanvas {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d')!;
  const image = context.createImageData(width, height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [red, green, blue, alpha = 255] = color(x, y);
      image.data.set([red, green, blue, alpha], (y * width + x) * 4);
    }
  context.putImageData(image, 0, 0);
  return canvas;
}

export async function encode(canvas: OffscreenCanvas, type: string, quality = 1): Promise<Uint8Array<ArrayBuffer>> {
  const blob = await canvas.convertToBlob({ type, quality });
  if (blob.type !== type) throw new Error(`no encoder for ${type}`);
  return new Uint8Array(await blob.arrayBuffer());
}

/** Puts an EXIF segment with an orientation (1..8) right after a JPEG's start. */
export function withOrientation(jpeg: Uint8Array, orientation: number): Uint8Array<ArrayBuffer> {
  const tiff = [0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0];
  const body = [...new TextEncoder().encode('Exif'), 0, 0, ...tiff];
  const segment = [0xff, 0xe1, 0, body.length + 2, ...body];
  return Uint8Array.from([...jpeg.subarray(0, 2), ...segment, ...jpeg.subarray(2)]);
}

/** 24-bit BMP; rows from the bottom, padded to four bytes. */
export function bmp(width: number, height: number, color: (x: number, y: number) => Rgb): Uint8Array<ArrayBuffer> {
  const stride = Math.ceil((width * 3) / 4) * 4;
  const bytes = new Uint8Array(54 + stride * height);
  const view = new DataView(bytes.buffer);
  bytes.set([0x42, 0x4d]);
  view.setUint32(2, bytes.length, true);
  view.setUint32(10, 54, true);
  view.setUint32(14, 40, true);
  view.setInt32(18, width, true);
  view.setInt32(22, height, true);
  view.setUint16(26, 1, true);
  view.setUint16(28, 24, true);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [red, green, blue] = color(x, y);
      bytes.set([blue, green, red], 54 + (height - 1 - y) * stride + x * 3);
    }
  return bytes;
}

/** GIF with one frame per colour, each filled with it. Codes are 9 bits, cleared often enough never to grow. */
export function gif(width: number, height: number, frames: readonly Rgb[]): Uint8Array<ArrayBuffer> {
  const size = (value: number) => [value & 255, value >> 8];
  const bytes: number[] = [...new TextEncoder().encode('GIF89a'), ...size(width), ...size(height), 0xf7, 0, 0];
  for (let i = 0; i < 256; i++) bytes.push(...(frames[i] ?? [0, 0, 0]));
  frames.forEach((_, frame) => {
    bytes.push(0x21, 0xf9, 4, 0, 10, 0, 0, 0, 0x2c, 0, 0, 0, 0, ...size(width), ...size(height), 0, 8);
    const codes = Array.from({ length: width * height }, (_unused, i) =>
      i % 200 === 0 ? [256, frame] : [frame],
    ).flat();
    const packed = pack([...codes, 257]);
    for (let i = 0; i < packed.length; i += 255) {
      const block = packed.slice(i, i + 255);
      bytes.push(block.length, ...block);
    }
    bytes.push(0);
  });
  return Uint8Array.from([...bytes, 0x3b]);
}

function pack(codes: readonly number[]): number[] {
  const bytes: number[] = [];
  let bits = 0;
  let buffer = 0;
  for (const code of codes) {
    buffer |= code << bits;
    bits += 9;
    for (; bits >= 8; bits -= 8, buffer >>>= 8) bytes.push(buffer & 255);
  }
  if (bits > 0) bytes.push(buffer & 255);
  return bytes;
}

/** PNG chunk `type` inserted right after the header chunk. */
export function withPngChunk(png: Uint8Array, type: string, body: readonly number[]): Uint8Array<ArrayBuffer> {
  const content = [...new TextEncoder().encode(type), ...body];
  const chunk = new Uint8Array(12 + body.length);
  const view = new DataView(chunk.buffer);
  view.setUint32(0, body.length);
  chunk.set(content, 4);
  view.setUint32(8 + body.length, crc32(content));
  return Uint8Array.from([...png.subarray(0, 33), ...chunk, ...png.subarray(33)]);
}

function crc32(bytes: readonly number[]): number {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

/** One AV1 key frame in the smallest AVIF container (ISO 23000-22): file type, one item with its properties, the data. */
export async function avif(canvas: OffscreenCanvas): Promise<Uint8Array<ArrayBuffer>> {
  const { width, height } = canvas;
  let frame = new Uint8Array();
  const encoder = new VideoEncoder({
    output(chunk) {
      frame = new Uint8Array(chunk.byteLength);
      chunk.copyTo(frame);
    },
    error: (error) => {
      throw error;
    },
  });
  encoder.configure({ codec: 'av01.0.04M.08', width, height, bitrate: 4e6 });
  const picture = new VideoFrame(canvas, { timestamp: 0 });
  encoder.encode(picture, { keyFrame: true });
  await encoder.flush();
  picture.close();
  encoder.close();

  const text = (value: string) => [...new TextEncoder().encode(value)];
  const u32 = (value: number) => [(value >>> 24) & 255, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
  const box = (type: string, ...content: number[][]) => {
    const body = content.flat();
    return [...u32(body.length + 8), ...text(type), ...body];
  };
  const full = (type: string, version: number, ...content: number[][]) => box(type, [version, 0, 0, 0], ...content);
  const fileType = box('ftyp', text('avif'), u32(0), text('avif'), text('mif1'), text('miaf'));
  const meta = (offset: number) =>
    full(
      'meta',
      0,
      full('hdlr', 0, u32(0), text('pict'), u32(0), u32(0), u32(0), [0]),
      full('pitm', 0, [0, 1]),
      full('iloc', 0, [0x44, 0, 0, 1], [0, 1, 0, 0, 0, 1], u32(offset), u32(frame.length)),
      full('iinf', 0, [0, 1], full('infe', 2, [0, 1, 0, 0], text('av01'), [0])),
      box(
        'iprp',
        box(
          'ipco',
          full('ispe', 0, u32(width), u32(height)),
          full('pixi', 0, [3, 8, 8, 8]),
          box('av1C', [0x81, 4, 0x0c, 0]),
        ),
        full('ipma', 0, u32(1), [0, 1, 3, 1, 2, 0x83]),
      ),
    );
  const start = fileType.length + meta(0).length + 8;
  return Uint8Array.from([...fileType, ...meta(start), ...box('mdat', [...frame])]);
}
