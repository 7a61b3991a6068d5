// Reads the nodes of an ONNX graph one after another. What they make is the importer's; what they mean is in operations/.

import { TrainyardError } from '$lib/core/errors';
import { Unsupported } from './constant';
import type { FileNode, OnnxFile } from './file';
import { NodeReader } from './importer';
import type { Importer, Reader } from './importer';
import { FOLDS, READERS } from './operations';
import type { Traced } from './traced';

/** The nodes that these tensors need, in the file's order. */
export function neededNodes(file: OnnxFile, tensors: readonly string[]): FileNode[] {
  const makers = new Map(file.nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)));
  const needed = new Set<FileNode>();
  const seen = new Set<string>();
  const pending = [...tensors];
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (seen.has(name)) continue;
    seen.add(name);
    const maker = makers.get(name);
    if (maker === undefined || needed.has(maker)) continue;
    needed.add(maker);
    pending.push(...maker.inputs);
  }
  return file.nodes.filter((node) => needed.has(node));
}

/** Operations that nothing here reads, in the order of their first use. */
export function unknownOperations(nodes: readonly FileNode[]): string[] {
  const names = nodes.flatMap(({ op, domain }) =>
    readerOf(op, domain) === null && !(domain === '' && op in FOLDS) ? [domain === '' ? op : `${domain}.${op}`] : [],
  );
  return [...new Set(names)];
}

function readerOf(op: string, domain: string): Reader | null {
  // Both sets have the same Gelu.
  const own = domain === '' || (domain === 'com.microsoft' && op === 'Gelu');
  return own && Object.hasOwn(READERS, op) ? READERS[op] : null;
}

/** Reads one node; its outputs are in `importer.values` then. Throws `Unsupported`. */
export async function readNode(importer: Importer, node: FileNode): Promise<void> {
  const opset = importer.file.opsets.get('') ?? 1;
  const merged = importer.merged.get(node);
  if (merged !== undefined) {
    importer.values.set(node.outputs[0], merged);
    return;
  }
  const reader = new NodeReader(importer, node, opset);
  const outcome = await read(reader, node, importer);
  const results: readonly Traced[] = 'what' in outcome ? [outcome] : outcome;
  for (const [index, name] of node.outputs.entries()) {
    const result = results.at(index);
    if (name === '' || result === undefined || index >= results.length) continue;
    importer.values.set(name, result);
  }
}

async function read(reader: NodeReader, node: FileNode, importer: Importer): ReturnType<typeof settled> {
  const fixed = node.inputs.every((name) => name === '' || importer.values.get(name)?.what === 'constant');
  const fold = fixed && node.domain === '' && Object.hasOwn(FOLDS, node.op) ? FOLDS[node.op] : null;
  const known = fold ?? readerOf(node.op, node.domain);
  if (known === null) throw new Unsupported(`It has the operation ${node.op}.`, [node.op]);
  return settled(known, reader, node);
}

async function settled(known: Reader, reader: NodeReader, node: FileNode): Promise<Traced | readonly Traced[]> {
  try {
    return await known(reader);
  } catch (error) {
    const where = `${node.op}${node.name === '' ? '' : ` "${node.name}"`}`;
    // Our own shape rules say what does not fit; the file's node says where.
    if (error instanceof TrainyardError && error.code.startsWith('graph-')) {
      throw new Unsupported(`${where}: ${error.message}`, [node.op]);
    }
    if (error instanceof Unsupported && error.operations.length === 0) {
      throw new Unsupported(`${where}: ${error.reason}`, [node.op]);
    }
    throw error;
  }
}
