// The words of `trainyard --help`.
export const USAGE = `trainyard: trains vision models in a headless browser, with the same build as the page

  trainyard train JOB.json [path.to.field=value ...] [--data PATH] --out DIR
  trainyard evaluate DIR --data PATH [--split train|val|test|all] [--checkpoint best|last]
  trainyard predict DIR IMAGE...           one JSON object per image on stdout
  trainyard export DIR [--format onnx,tfjs,safetensors] [--checkpoint best|last] [--out DIR]
  trainyard models                         the registered models, as JSON
  trainyard doctor                         device, engines, storage and versions, as JSON
  trainyard bench                          step time by backend, pipeline and import rates
  trainyard demo                           trains the sample and leaves the bundle in runs/demo

PATH is a folder, a zip, an IDX pair's folder or a CSV. DIR is what --out of train made.
--device auto|webgpu|wasm|cpu forces a backend. Settings: docs/job-file.md.
Progress goes to stderr, results to stdout. Exit status: 0 done, 1 failed, 2 bad input.
`;
