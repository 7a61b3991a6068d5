// The tasks as data, for forms, tables and job files. The page may import this file; the code behind it is in registry.ts.

import { classificationMeta } from './classification/meta';
import type { TaskMeta } from './contract';
import { multiLabelMeta } from './multi-label/meta';

/** In the order in which they are offered. */
export const TASKS: readonly TaskMeta[] = [classificationMeta, multiLabelMeta];
