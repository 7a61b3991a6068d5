// Files of weights as a test wants them: those of a registered model, drawn anew, under PyTorch's names.
import { initializeParameters } from '$lib/graph/initialize';
import { encodeSafetensors } from '$lib/interchange/safetensors/write';
import { stateDictOf } from '$lib/interchange/state-dict';
import { buildModel } from '$lib/models/build';

/** A safetensors file with a classifier of seven classes. */
export async function weightsOf(model: string): Promise<Buffer> {
  const graph = await buildModel(model, { config: {}, imageSize: [224, 224], classes: 7 });
  const parameters = initializeParameters(graph, 3);
  return Buffer.from(await encodeSafetensors(stateDictOf({ graph, parameters }), {}).arrayBuffer());
}
