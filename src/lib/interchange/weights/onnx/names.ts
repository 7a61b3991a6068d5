// What layers and parameters of an ONNX file are called here: as in the PyTorch model wherever the file still knows it.

import type { FileNode } from './file';

export interface Naming {
  /** For a layer with parameters, from the initialisers' names ('layer1.0.conv1.weight') or from the node's path. */
  layer(node: FileNode, initializers: readonly (string | null)[]): string;
  /** For a learned tensor: its own name. */
  tensor(node: FileNode, initializer: string | null): string;
  /** For a layer without parameters. */
  node(node: FileNode): string;
}

/** A module path: 'blocks.0.attn.qkv'. Exporters' own names ('onnx::Conv_193') hold other signs. */
const PATH = /^[A-Za-z_]\w*(\.\w+)*$/;
const ROLE = /\.(weight|bias|running_mean|running_var|gamma|beta|kernel)$/;

/** A name of PyTorch's, not one that an exporter made up. */
export function isPath(name: string): boolean {
  return PATH.test(name);
}

/** '/layer1/layer1.0/conv1/Conv' is layer1.0.conv1; 'model/conv1/Conv2D' is model.conv1. */
function pathOf({ name, op }: FileNode): string {
  const parts = name.split(/[/:]+/).filter((part) => part !== '');
  const last = parts.at(-1) ?? '';
  if (
    parts.length > 1 &&
    (last === op || new RegExp(`^${op}(_\\d+|2D)?$`, 'i').test(last) || /2D(Native)?$/.test(last))
  )
    parts.pop();
  const path: string[] = [];
  for (const part of parts) {
    const clean = part.replace(/[^\w.]+/g, '_').replace(/^\.+|\.+$/g, '');
    if (clean === '') continue;
    // PyTorch writes the whole path of a container's member again: layer1/layer1.0.
    const before = path.at(-1);
    if (before !== undefined && clean.startsWith(`${before}.`)) path.pop();
    path.push(clean);
  }
  return path.join('.').slice(0, 200);
}

/** `initializers`: their names stay free for the layers that they belong to. */
export function uniqueNames(initializers: Iterable<string>): Naming {
  const reserved = new Set([...initializers].flatMap((name) => [name, name.replace(ROLE, '')]));
  const taken = new Set<string>(['input', 'normalization']);
  const unique = (stem: string, free: (name: string) => boolean): string => {
    let name = stem;
    for (let count = 2; taken.has(name) || !free(name); count++) name = `${stem}_${count}`;
    taken.add(name);
    return name;
  };
  const own = (stem: string): string => unique(stem, () => true);
  const ofNode = (node: FileNode): string => {
    const path = pathOf(node);
    return unique(path === '' ? node.op.toLowerCase() : path, (name) => !reserved.has(name));
  };
  return {
    layer(node, names) {
      const named = names.find((name) => name !== null && PATH.test(name) && ROLE.test(name));
      return named === undefined || named === null ? ofNode(node) : own(named.replace(ROLE, ''));
    },
    tensor: (node, name) => (name !== null && PATH.test(name) ? own(name) : ofNode(node)),
    node: ofNode,
  };
}
