// What may be written to mean weights, and which hosts may then be asked.

import { expect, test } from 'vitest';
import { readHub } from '$lib/hub/hosts';
import { parseReference } from '$lib/hub/reference';
import { hubOfWorker, weightsWorkerName } from '$lib/rpc/hub-name';
import { DEFAULT_HUB, isAllowed, parseHub } from '../../../scripts/lib/hub.mjs';

const hub = parseHub(DEFAULT_HUB);

test.each([
  ['timm/resnet18.a1_in1k', 'timm/resnet18.a1_in1k', 'main'],
  ['hf-hub:timm/resnet18.a1_in1k', 'timm/resnet18.a1_in1k', 'main'],
  [' timm/resnet18.a1_in1k@v2 ', 'timm/resnet18.a1_in1k', 'v2'],
  ['https://huggingface.co/timm/resnet18.a1_in1k', 'timm/resnet18.a1_in1k', 'main'],
  ['https://huggingface.co/timm/resnet18.a1_in1k/tree/v2?x=1', 'timm/resnet18.a1_in1k', 'v2'],
])('%s is a name on the hub', (text, name, revision) => {
  expect(parseReference(text, hub)).toEqual({ kind: 'hub', name, revision });
});

test.each([
  ['https://huggingface.co/timm/x/blob/main/a/model.pth', 'https://huggingface.co/timm/x/resolve/main/a/model.pth'],
  ['https://huggingface.co/timm/x/resolve/main/model.pth', 'https://huggingface.co/timm/x/resolve/main/model.pth'],
  ['https://other.example/weights/model.pth?key=1#part', 'https://other.example/weights/model.pth?key=1'],
  ['https://huggingface.co/nets/model.pth', 'https://huggingface.co/nets/model.pth'],
])('%s is the address of a file', (text, url) => {
  expect(parseReference(text, hub)).toEqual({ kind: 'address', url, name: 'model.pth' });
});

test('content is meant by its hash', () => {
  const id = 'ab'.repeat(32);
  expect(parseReference(`sha256:${id.toUpperCase()}`, hub)).toEqual({ kind: 'content', id });
});

test.each([
  '',
  'resnet18',
  'weights/model.pth',
  '../up/one',
  'a/b/c',
  'ftp://x.example/y.pth',
  'timm/../x',
  'https://',
])('"%s" is refused', (text) => {
  expect(() => parseReference(text, hub)).toThrow(expect.objectContaining({ code: 'hub-reference' }));
});

test('the usual hub may send downloads to its own hosts and to no other', () => {
  const allowed = (url: string): boolean => isAllowed(new URL(url), hub.sources);
  expect(allowed('https://huggingface.co/timm/x')).toBe(true);
  expect(allowed('https://cdn-lfs.huggingface.co/x')).toBe(true);
  expect(allowed('https://cas-bridge.xethub.hf.co/x')).toBe(true);
  expect(allowed('http://huggingface.co/timm/x')).toBe(false);
  expect(allowed('https://huggingface.co:8443/timm/x')).toBe(false);
  expect(allowed('https://hf.co.example/x')).toBe(false);
  expect(allowed('https://nothf.co/x')).toBe(false);
  expect(allowed('https://huggingface.co.example/x')).toBe(false);
});

test('another hub replaces the usual one, with the hosts that are named behind it', () => {
  const mirror = parseHub('https://hub.example/mirror/, *.cdn.example https://dl.example:8443');
  expect(mirror.base).toBe('https://hub.example/mirror');
  expect(mirror.sources).toEqual(['https://hub.example', 'https://*.cdn.example', 'https://dl.example:8443']);
  expect(isAllowed(new URL('https://a.b.cdn.example/x'), mirror.sources)).toBe(true);
  expect(isAllowed(new URL('https://cdn.example/x'), mirror.sources)).toBe(false);
  expect(isAllowed(new URL('https://huggingface.co/x'), mirror.sources)).toBe(false);
});

test.each(['', 'hub.example', 'http://hub.example', "https://hub.example; script-src 'unsafe-eval'", 'javascript:1'])(
  'a hub at "%s" is refused',
  (text) => {
    expect(() => readHub(text)).toThrow(expect.objectContaining({ code: 'hub-address' }));
  },
);

test('a server on this computer may be a hub without encryption', () => {
  expect(parseHub('http://127.0.0.1:8080').sources).toEqual(['http://127.0.0.1:8080']);
});

test('the worker reads the hub from its name again', () => {
  expect(hubOfWorker(weightsWorkerName(''))).toBeUndefined();
  expect(hubOfWorker(weightsWorkerName('https://a.example *.b.example'))).toBe('https://a.example *.b.example');
});
