// Writes a graph as a PyTorch module whose state dict has the names and shapes of model.safetensors. For models that no library
// has; the parameters are not in it.

import type { Graph, GraphNode, NodeOf, OpName } from '$lib/graph/types';
import { MODULE, torchLowerings } from './lowerings';
import type { TorchInput, TorchLayer, TorchLowering } from './lowerings';
import { python } from './python';

const ATTENTION = `
def attention(q, k, v, heads):
    """Scaled dot-product attention, [batch, tokens, heads * d]."""
    q, k, v = (x.unflatten(-1, (heads, -1)).transpose(1, 2) for x in (q, k, v))
    weights = (q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5).softmax(-1)
    return (weights @ v).transpose(1, 2).flatten(2)

`;

function lower<Op extends OpName>(node: NodeOf<Op>, inputs: readonly TorchInput[]): TorchLayer {
  const lowering: TorchLowering<Op> = torchLowerings[node.op];
  return lowering(node, inputs);
}

/** How often each node's value is read; the output counts as read. */
function readings({ nodes, output }: Graph): Map<string, number> {
  const counts = new Map([[output, 1]]);
  for (const id of nodes.flatMap(({ inputs }) => inputs)) counts.set(id, (counts.get(id) ?? 0) + 1);
  return counts;
}

/** `model.py`: a class `Model` whose input is RGB, normalised, [batch, 3, height, width]. */
export function torchModule(graph: Graph, title: string): string {
  const read = readings(graph);
  const values = new Map<string, TorchInput>();
  const modules: string[] = [];
  const lines: string[] = [];
  let count = 0;
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((id) => values.get(id) ?? missing(id));
    const { module, value } = lower(node, inputs);
    const spelled = value.replaceAll(MODULE, module === undefined ? '' : `self.part(${python(registeredName(node))})`);
    if (module !== undefined) modules.push(`        self.register(${python(registeredName(node))}, ${module})`);
    // A name for every value keeps lines short and each computed once.
    const name = node.op === 'input' || (read.get(node.id) ?? 0) === 0 ? spelled : `x${++count}`;
    if (name !== spelled) lines.push(`        ${name} = ${spelled}`);
    values.set(node.id, { code: name, shape: node.shape });
  }
  const output = values.get(graph.output) ?? missing(graph.output);
  const attention = graph.nodes.some(({ op }) => op === 'attention') ? ATTENTION : '';
  return `"""${title} as a PyTorch module. Its state dict has the names of model.safetensors."""
import torch
import torch.nn.functional as F
from torch import nn

${attention}
class Model(nn.Module):
    def __init__(self):
        super().__init__()
${modules.join('\n')}

    def register(self, path, part):
        """Puts a layer under a dotted path; the modules on the way are made."""
        *parents, name = path.split(".")
        owner = self
        for parent in parents:
            if not hasattr(owner, parent):
                owner.add_module(parent, nn.Module())
            owner = getattr(owner, parent)
        setattr(owner, name, part)

    def part(self, path):
        owner = self
        for name in path.split("."):
            owner = getattr(owner, name)
        return owner

    def forward(self, image):
        """image: [batch, 3, height, width], RGB, normalised."""
${lines.join('\n')}
        return ${output.code}
`;
}

/** The module path from which the parameters' names follow. */
function registeredName(node: GraphNode): string {
  if (node.op === 'parameter') return node.parameters.value;
  const [first = node.id] = Object.values(node.parameters);
  return first.split('.').slice(0, -1).join('.');
}

function missing(id: string): never {
  throw new Error(`The graph reads "${id}", which no earlier layer makes.`);
}
