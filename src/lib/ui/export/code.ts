// Example code as the page shows it: a few files for each place where a model can run.

export interface CodeFile {
  /** As in the bundle: 'examples/predict_onnx.py'. */
  path: string;
  text: string;
}

export interface CodeExample {
  id: string;
  title: string;
  /** The first is the one to begin with. */
  files: readonly CodeFile[];
}
