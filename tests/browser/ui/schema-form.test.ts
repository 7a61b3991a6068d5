// The form that is made from a schema: what it shows, hides, marks, refuses and resets.
import { page, userEvent } from 'vitest/browser';
import { beforeEach, expect, test } from 'vitest';
import { render } from 'vitest-browser-svelte';
import '../../../src/app.css';
import type { Fields } from '../../../src/lib/core/schema';
import { defaultsOf } from '../../../src/lib/core/validate';
import Form from './support/form.svelte';

const FIELDS = {
  epochs: { type: 'integer', title: 'Epochs', help: 'How often.', default: 30, minimum: 1 },
  optimizer: {
    type: 'object',
    title: 'Optimiser',
    help: 'The rule.',
    fields: {
      name: {
        type: 'choice',
        title: 'Name',
        help: 'Which.',
        default: 'adamw',
        options: [
          { value: 'adamw', title: 'AdamW' },
          { value: 'sgd', title: 'SGD', help: 'Plain steps.' },
        ],
      },
      learning_rate: {
        type: 'number',
        title: 'Learning rate',
        help: 'Step size.',
        default: 0.004,
        minimum: 0,
        exclusiveMinimum: true,
        step: 'log',
      },
      momentum: { type: 'number', title: 'Momentum', help: 'Of SGD.', default: 0.9, visibleWhen: { name: ['sgd'] } },
      betas: { type: 'numbers', title: 'Betas', help: 'Two.', default: [0.9, 0.999], length: 2, advanced: true },
    },
  },
} as const satisfies Fields;

let value: Readonly<Record<string, unknown>>;

beforeEach(async () => {
  value = defaultsOf(FIELDS);
  await render(Form, {
    fields: FIELDS,
    start: value,
    presets: [{ id: 'quick', title: 'Quick', help: 'Few epochs.', values: { epochs: 3, 'optimizer.name': 'sgd' } }],
    onvalue: (next: typeof value) => (value = next),
  });
});

/** The control itself; its help button has the label in its name too. */
const field = (label: string) => page.getByLabelText(label, { exact: true });
const section = () => page.getByText('Optimiser', { exact: true });

test('fields outside groups show at once, groups are closed until they are asked for', async () => {
  await expect.element(field('Epochs')).toBeVisible();
  await expect.element(field('Learning rate')).not.toBeVisible();
  await section().click();
  await expect.element(field('Learning rate')).toBeVisible();
});

test('a number may be typed as 1e-3 or with a comma', async () => {
  await section().click();
  const rate = field('Learning rate');
  await rate.fill('1e-3');
  expect(value).toMatchObject({ optimizer: { learning_rate: 0.001 } });
  await rate.fill('0,02');
  expect(value).toMatchObject({ optimizer: { learning_rate: 0.02 } });
});

test('the arrow keys step a rate through 1, 2, 5', async () => {
  await section().click();
  const rate = field('Learning rate');
  await rate.fill('0.001');
  await userEvent.keyboard('{ArrowUp}{ArrowUp}{ArrowUp}');
  expect(value).toMatchObject({ optimizer: { learning_rate: 0.01 } });
  await userEvent.keyboard('{ArrowDown}');
  expect(value).toMatchObject({ optimizer: { learning_rate: 0.005 } });
});

test('a wrong value is told beside its field, quoted, and marks its group', async () => {
  await section().click();
  const rate = field('Learning rate');
  await rate.fill('-1');
  await expect.element(page.getByText('Learning rate must be above 0; found -1.')).toBeVisible();
  await expect.element(rate).toHaveAttribute('aria-invalid', 'true');
  await expect.element(page.getByText('1 to mend')).toBeVisible();
  await rate.fill('fast');
  await expect.element(page.getByText('found "fast"', { exact: false })).toBeVisible();
});

test('a changed field is marked, counted and can be reset', async () => {
  await field('Epochs').fill('5');
  expect(document.querySelectorAll('[data-changed]').length).toBe(1);
  await page.getByRole('button', { name: 'Reset epochs' }).click();
  expect(value).toMatchObject({ epochs: 30 });
  await expect.poll(() => document.querySelectorAll('[data-changed]').length).toBe(0);
});

test('a field depends on another, an advanced one on the switch', async () => {
  await section().click();
  expect(field('Momentum').query()).toBeNull();
  await field('Name').selectOptions('sgd');
  await expect.element(field('Momentum')).toBeVisible();
  expect(field('Betas').query()).toBeNull();
  await page.getByRole('switch', { name: 'Show advanced settings' }).click();
  const betas = field('Betas');
  await betas.fill('0.5, 0.9');
  expect(value).toMatchObject({ optimizer: { betas: [0.5, 0.9] } });
  await betas.fill('0.5');
  await expect.element(page.getByText('must be a list of 2 numbers', { exact: false })).toBeVisible();
});

test('a preset sets its values and shows that it is in force until one of them changes', async () => {
  const preset = page.getByRole('button', { name: 'Quick' });
  await preset.click();
  expect(value).toMatchObject({ epochs: 3, optimizer: { name: 'sgd', learning_rate: 0.004 } });
  await expect.element(preset).toHaveAttribute('aria-pressed', 'true');
  await field('Epochs').fill('4');
  await expect.element(preset).toHaveAttribute('aria-pressed', 'false');
});

test('a search finds settings by name or help, advanced ones in closed sections too', async () => {
  const search = page.getByRole('searchbox', { name: 'Search settings' });
  await search.fill('two');
  await expect.element(field('Betas')).toBeVisible();
  expect(field('Epochs').query()).toBeNull();
  expect(field('Learning rate').query()).toBeNull();
  await search.fill('sgd');
  await expect.element(field('Name')).toBeVisible();
  await search.fill('nothing of the kind');
  await expect.element(page.getByText('No setting is called or described so: “nothing of the kind”.')).toBeVisible();
  await search.fill('');
  await expect.element(field('Epochs')).toBeVisible();
  await expect.element(field('Learning rate')).not.toBeVisible();
});

test('what was changed can be seen by itself', async () => {
  const changed = page.getByRole('button', { name: /^Changed/ });
  await expect.element(changed).toHaveTextContent('Changed (0)');
  await changed.click();
  await expect.element(page.getByText('No setting was changed.')).toBeVisible();
  await changed.click();
  await field('Epochs').fill('5');
  await expect.element(changed).toHaveTextContent('Changed (1)');
  await changed.click();
  await expect.element(field('Epochs')).toBeVisible();
  expect(section().query()).toBeNull();
});
