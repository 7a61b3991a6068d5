// What a format of data sets promises: to recognise its files and to list their images with labels. Reads no pixels.

import type { DataProblem, SplitName } from '$lib/storage/records';
import type { MeasuredImage } from '../moments';
import type { SourceFile } from '../contract';

export interface LoadedImage {
  bytes: Uint8Array<ArrayBuffer>;
  /** Present where the importer made the file itself from pixels: then decoding would check nothing. */
  measured?: MeasuredImage;
}

export interface ImageEntry {
  /** Unique in the data set. */
  path: string;
  /** One; any number in a reading of `several`. */
  labels: readonly string[];
  folderSplit?: SplitName;
  load(): Promise<LoadedImage>;
}

export interface Reading {
  entries: readonly ImageEntry[];
  /** Some image has several classes or none, so that each class is a yes or no of its own. */
  several?: boolean;
  /** In their order, where the format has one; else the labels are sorted. */
  classes?: readonly string[];
  problems: readonly DataProblem[];
}

export interface Format {
  id: string;
  /** 'IDX (MNIST)', in messages. */
  title: string;
  /** May read small files, not images. */
  detect(files: readonly SourceFile[]): Promise<boolean>;
  /** Throws a TrainyardError where the files are of this format and wrong. */
  read(files: readonly SourceFile[]): Promise<Reading>;
}
