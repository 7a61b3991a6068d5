// Settings that several models share, so that they read alike everywhere.

import type { Fields } from '$lib/core/schema';

/** Dropout before the classifier. */
export function dropoutField(value: number) {
  return {
    type: 'number',
    title: 'Dropout',
    help: 'Share of the features before the classifier that is zeroed at each training step; more of it fights overfitting.',
    group: 'Regularisation',
    default: value,
    minimum: 0,
    maximum: 0.9,
    step: 0.05,
  } as const satisfies Fields[string];
}

/** Stochastic depth (Huang et al. 2016). */
export function dropPathField(value: number) {
  return {
    type: 'number',
    title: 'Stochastic depth',
    help: 'Chance that a residual branch of the last block is skipped for an image during training; earlier blocks have less.',
    group: 'Regularisation',
    advanced: true,
    default: value,
    minimum: 0,
    maximum: 0.5,
    step: 0.05,
  } as const satisfies Fields[string];
}
