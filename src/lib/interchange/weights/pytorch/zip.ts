// The zip format of torch.save (version 1.6 and later) and of TorchScript: NAME/data.pkl, NAME/data/0, NAME/data/1, ...

import { openArchive } from '$lib/data/archive/archive';
import type { ArchiveFile } from '$lib/data/archive/archive';
import { crc32 } from '$lib/data/crc32';
import { readBytes } from '../../bytes';
import { unreadable } from '../unreadable';
import type { NumbersSource } from './numbers-source';
import type { Container } from './open';
import { unpickle } from './pickle';

const PICKLE = 'data.pkl';

export async function openZip(blob: Blob, name: string): Promise<Container> {
  const { files } = await openArchive(blob, name);
  const byPath = new Map(files.map((file) => [file.path, file]));
  const pickle = files.find(({ path }) => path === PICKLE || path.endsWith(`/${PICKLE}`));
  if (pickle?.bytes === undefined)
    throw unreadable(name, 'are a zip archive without data.pkl, which torch.save writes');
  const folder = pickle.path.slice(0, -PICKLE.length);
  const order = byPath.get(`${folder}byteorder`);
  if (order !== undefined && order.size < 16 && (await (await order.blob()).text()).trim() === 'big') {
    throw unreadable(name, 'have big-endian numbers', 'Save them again on a usual machine.');
  }
  const { value } = unpickle(await pickle.bytes());
  return {
    value,
    storage: (key) => {
      const file = byPath.get(`${folder}data/${key}`);
      return file === undefined ? null : sourceOf(file, name);
    },
  };
}

/** Reads ranges where they lie, without unpacking; a whole storage, which is the rule, is checked against its checksum. */
function sourceOf(file: ArchiveFile, name: string): NumbersSource {
  return {
    size: file.size,
    read: async (start, end) => {
      if (file.stored === null) {
        const bytes = (await file.bytes?.()) ?? (await readBytes(await file.blob()));
        return bytes.slice(start, end);
      }
      const bytes = await readBytes((await file.stored()).slice(start, end));
      // PyTorch can leave the checksum out; it is 0 then.
      if (bytes.length === file.size && file.crc !== 0 && crc32(bytes) !== file.crc) {
        throw unreadable(name, `are damaged: the checksum of "${file.path}" is wrong`);
      }
      return bytes;
    },
  };
}
