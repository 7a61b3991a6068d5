// The words of `trainyard --help`.
export const USAGE = `trainyard: trains vision models in a headless browser, with the same build as the page

  trainyard train JOB.json [path.to.field=value ...] [--data PATH] --out DIR
  trainyard sweep JOB.json field=a,b,c ... | SWEEP.json | --folds K [--data PATH] --out DIR
                                           a run for each combination, or as the document or the folds say
  trainyard resume DIR                     goes on with a run that was stopped, interrupted or killed
  trainyard extend DIR --epochs N          more epochs for a run that was trained with --keep
  trainyard evaluate DIR --data PATH [--split train|val|test|all] [--checkpoint best|last|EPOCH]
  trainyard predict DIR IMAGE...           one JSON object per image on stdout
  trainyard export DIR [--format onnx,tfjs,safetensors,pytorch] [--checkpoint best|last|EPOCH] [--out DIR]
  trainyard weights FILE|FOLDER|ADDRESS|NAME [--model NAME] [--classes N]
                                           what is in weights and what a model takes of them, as JSON
  trainyard cache [clear]                  what is kept between commands; clear deletes it
  trainyard models                         the registered models, as JSON
  trainyard doctor                         device, engines, storage and versions, as JSON
  trainyard parity FILE...                 compares architectures with PyTorch's numbers, one JSON object per file
  trainyard bench                          step time by backend, pipeline and import rates
  trainyard demo [path.to.field=value ...] trains the sample and leaves the bundle in runs/demo

PATH is a folder, a zip, an IDX pair's folder or a CSV. DIR is what --out of train made.
--device auto|webgpu|wasm|cpu forces a backend. Settings: docs/job-file.md.
model.weights=WHAT starts from weights: a path, an https address or a name on the hub (timm/resnet18.a1_in1k).
--hub URL uses another hub than https://huggingface.co (or TRAINYARD_HUB). Downloads and features are kept in
--cache DIR (or TRAINYARD_CACHE; by default the system's folder for caches), with --no-cache nowhere.
A run that is ended by force, by a signal or by a fault goes on from its last checkpoint with resume. It is in the cache, without
one in DIR. --keep keeps a run that is done, too; --restart drops an unfinished one in DIR.
--tensorboard and --mlflow also write the run as an event file and as a folder mlruns.
Progress goes to stderr (--progress json: each event as a line of JSON), results to stdout. Exit status: 0 done, 1 failed, 2 bad input.
`;
