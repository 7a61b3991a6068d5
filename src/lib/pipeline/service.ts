// What a decode worker does with its calls. Runs as well without a worker; see pool.ts for both.

import { TrainyardError } from '$lib/core/errors';
import type { Decoder } from './decode';
import type { Ask, CallName, DecodeCalls, ReadBlobs } from './messages';
import { createPreviewMaker } from './preview-samples';
import { createSampleMaker, type SampleMaker } from './samples';

export interface ServiceParts {
  decoder: Decoder;
  readBlobs: ReadBlobs;
}

type Methods = {
  [Name in CallName]: (parameters: DecodeCalls[Name]['parameters']) => Promise<DecodeCalls[Name]['value']>;
};

// As in samples.ts; a file of an import may be large, so fewer.
const INSPECTIONS_AT_ONCE = 4;

export function createService({ decoder, readBlobs }: ServiceParts): Ask {
  const sessions = new Map<number, SampleMaker>();
  const preview = createPreviewMaker(decoder.decode, readBlobs);
  const methods: Methods = {
    async inspect({ files, thumbnailSide }) {
      const results: DecodeCalls['inspect']['value'] = [];
      for (let start = 0; start < files.length; start += INSPECTIONS_AT_ONCE) {
        const chunk = files.slice(start, start + INSPECTIONS_AT_ONCE);
        results.push(...(await Promise.all(chunk.map((file) => decoder.inspect(file, { thumbnailSide })))));
      }
      return results;
    },
    async open({ session, settings }) {
      sessions.set(session, createSampleMaker(settings, decoder.decode, readBlobs));
      return null;
    },
    async load({ session, epoch, indices, repeats }) {
      const maker = sessions.get(session);
      if (maker === undefined)
        throw new TrainyardError('loader-closed', 'A batch was asked of a loader that is closed.', '', {
          badInput: false,
        });
      return maker.load(epoch, indices, repeats);
    },
    async close({ session }) {
      sessions.delete(session);
      return null;
    },
    preview,
  };
  return (name, parameters) => methods[name](parameters);
}
