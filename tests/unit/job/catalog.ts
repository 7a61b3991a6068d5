// The catalogue that the tests of jobs use: the real tasks and one real model, so that nothing here depends on what is registered.
import tinyConfig from '$models/tiny-cnn/config';
import tinyMeta from '$models/tiny-cnn/meta';
import resnetConfig from '$models/resnet18/config';
import resnetMeta from '$models/resnet18/meta';
import type { JobCatalog } from '$lib/job/schema';
import type { JobData } from '$lib/job/resolve';
import { TASKS } from '$lib/tasks/catalog';

export const catalog: JobCatalog = {
  models: [
    { meta: resnetMeta, config: resnetConfig },
    { meta: tinyMeta, config: tinyConfig },
  ],
  tasks: TASKS,
};

export const photos: JobData = {
  classes: 5,
  images: { train: 2000, val: 300, test: 300 },
  width: 320,
  height: 240,
  grey: false,
};
export const digits: JobData = {
  classes: 10,
  images: { train: 8000, val: 0, test: 2000 },
  width: 28,
  height: 28,
  grey: true,
};
