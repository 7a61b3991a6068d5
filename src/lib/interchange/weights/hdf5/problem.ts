// What is wrong with an HDF5 file. Never leaves the opening of a file: see keras-h5.ts, which names the file.

/** `message` completes 'The weights "x" ...'. */
export class Hdf5Problem extends Error {
  constructor(
    message: string,
    readonly hint?: string,
  ) {
    super(message);
  }
}

/** Not known to our own reader; the HDF5 library may know it. */
export class Hdf5Unknown extends Hdf5Problem {}

/** `found` completes 'are damaged: ...'. */
export function damaged(found: string): Hdf5Problem {
  return new Hdf5Problem(`are damaged: ${found}`);
}

/** A part of HDF5 that Keras does not use. `what` completes 'use ...'. */
export function unknown(what: string): Hdf5Unknown {
  return new Hdf5Unknown(
    `use ${what}, which Keras does not write`,
    "Load the model in Keras and save it again, or copy the file with h5py's defaults.",
  );
}
