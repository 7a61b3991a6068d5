// What lint holds the code to beyond types: the direction of imports (docs of the folders below), no `any`, no lost promises.
import js from '@eslint/js';
import { defineConfig } from 'eslint/config';
import svelte from 'eslint-plugin-svelte';
import globals from 'globals';
import ts from 'typescript-eslint';
import svelteConfig from './svelte.config.js';

// Each folder of src/lib, in order, with the folders above it that it may import at run time. Types cost nothing at run time and
// couple nothing that was not coupled by the data already, so they may come from anywhere.
/** @type {Record<string, string[]>} */
const LAYERS = {
  core: [],
  graph: ['core'],
  storage: ['core'],
  data: ['core', 'storage'],
  pipeline: ['core', 'storage', 'data'],
  models: ['core', 'graph'],
  metrics: ['core'],
  tasks: ['core', 'metrics', 'pipeline'],
  engines: ['core', 'graph'],
  interchange: ['core', 'graph', 'models', 'data'],
  hub: ['core', 'storage'],
  // Weights come in through interchange, which knows nothing of training.
  training: ['core', 'graph', 'storage', 'data', 'pipeline', 'models', 'metrics', 'tasks', 'engines', 'interchange'],
  evaluation: [
    'core',
    'graph',
    'storage',
    'data',
    'pipeline',
    'models',
    'metrics',
    'tasks',
    'engines',
    'interchange',
    'training',
  ],
  job: ['core', 'models'],
  // Which jobs a sweep consists of and whose turn it is: arithmetic on records.
  queue: ['core', 'job'],
  pwa: ['core'],
  rpc: ['core'],
  state: ['core', 'storage', 'data', 'models', 'metrics', 'tasks', 'evaluation', 'job', 'queue', 'pwa', 'rpc'],
  ui: ['core'],
};
const FOLDERS = Object.keys(LAYERS);
// Tasks and evaluation stay open to the page for what they say about results (names, formats); their tensors live in files of their own.
const COMPUTE = ['pipeline', 'engines', 'training', 'interchange', 'hub'];

const noTensorflow = {
  regex: '^@tensorflow/',
  allowTypeImports: true,
  message: 'TensorFlow.js belongs to workers, engines/tfjs, graph/ops/*/tfjs.ts and tasks/*/loss.ts.',
};

// Data for forms and tables, which everybody may have.
const OPEN = ['tasks/catalog', 'job/additions', 'job/layer-rates'];
// Plain arithmetic and text, which the page shows: the learning rate of each step, the bytes of one, the steps of an epoch, example code.
const OPEN_TO_PAGE = [
  ...OPEN,
  'training/schedules',
  'training/run-schedule',
  'training/plateau',
  'training/memory',
  'pipeline/order',
  'interchange/bundle/examples',
];

/** @param {string[]} folders @param {string} message @param {string[]} open files in them that may be imported all the same */
function forbid(folders, message, open = OPEN) {
  const names = folders.join('|');
  const regex = `^(\\$lib/|(\\.\\./)+(src/)?(lib/)?)(?!(${open.join('|')})$)(${names})(/|$)`;
  return { regex, allowTypeImports: true, message };
}

/** @param {string[]} files @param {object[]} patterns @returns {import('eslint').Linter.Config} */
function restrict(files, patterns) {
  return { files, rules: { '@typescript-eslint/no-restricted-imports': ['error', { patterns }] } };
}

const noWorkers = {
  regex: '^(\\$workers|(\\.\\./)+workers)(/|$)',
  allowTypeImports: true,
  message: 'Only rpc starts workers.',
};

/** The rules of one folder of src/lib; `extra` files in it may use TensorFlow.js. @param {string} folder */
function layer(folder) {
  const allowed = [folder, ...LAYERS[folder]];
  const forbidden = FOLDERS.filter((other) => !allowed.includes(other));
  return [
    ...(forbidden.length > 0 ? [forbid(forbidden, `src/lib/${folder} may import only ${allowed.join(', ')}.`)] : []),
    ...(folder === 'rpc' ? [] : [noWorkers]),
  ];
}

/** @type {Record<string, string[] | undefined>} */
const TENSORFLOW_FILES = {
  engines: ['src/lib/engines/tfjs/**'],
  graph: ['src/lib/graph/ops/**/tfjs.ts'],
  tasks: ['src/lib/tasks/*/loss.ts'],
  interchange: ['src/lib/interchange/**/verify*.ts', 'src/lib/interchange/**/verify*/**'],
};

export default defineConfig(
  {
    ignores: [
      '.svelte-kit/',
      'build/',
      'coverage/',
      'runs/',
      'node_modules/',
      'tests/fixtures/',
      'src/lib/**/*.generated.ts',
    ],
  },
  js.configs.recommended,
  ...ts.configs.recommended,
  ...svelte.configs['flat/recommended'],
  {
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-console': 'error',
      'prefer-const': 'error',
      // TypeScript knows every global better.
      'no-undef': 'off',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/ban-ts-comment': ['error', { 'ts-expect-error': false }],
      // Hash routes: an href is '#/...', which resolve() neither makes nor checks.
      'svelte/no-navigation-without-resolve': 'off',
    },
  },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: { globals: globals.browser, parserOptions: { parser: ts.parser, svelteConfig } },
    // The core rule does not know that a bindable prop is assigned from outside.
    rules: { 'prefer-const': 'off', 'svelte/prefer-const': ['error', { destructuring: 'all' }] },
  },
  {
    files: ['src/**/*.ts', 'workers/**/*.ts', 'models/**/*.ts', 'tests/**/*.ts'],
    // Their types would need svelte's own language server.
    ignores: ['**/*.svelte.ts', 'src/service-worker.ts', 'workers/**'],
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname } },
    rules: { '@typescript-eslint/no-floating-promises': 'error', '@typescript-eslint/no-misused-promises': 'error' },
  },
  {
    files: ['workers/**/*.ts', 'src/service-worker.ts'],
    languageOptions: { parserOptions: { project: './workers/tsconfig.json', tsconfigRootDir: import.meta.dirname } },
    rules: { '@typescript-eslint/no-floating-promises': 'error', '@typescript-eslint/no-misused-promises': 'error' },
  },
  { files: ['scripts/**', 'tests/**'], languageOptions: { globals: globals.node }, rules: { 'no-console': 'off' } },
  ...FOLDERS.flatMap((folder) => {
    const extensions = [`src/lib/${folder}/**/*.ts`, `src/lib/${folder}/**/*.svelte`];
    const withTensorflow = TENSORFLOW_FILES[folder];
    return [
      restrict(extensions, [...layer(folder), noTensorflow]),
      ...(withTensorflow === undefined ? [] : [restrict(withTensorflow, layer(folder))]),
    ];
  }),
  restrict(
    ['src/routes/**'],
    [forbid(COMPUTE, 'The page reaches compute only through rpc.', OPEN_TO_PAGE), noWorkers, noTensorflow],
  ),
  restrict(
    ['models/**'],
    [
      forbid(
        FOLDERS.filter((folder) => !['core', 'graph', 'models'].includes(folder)),
        'A model is data: core, graph, models only.',
      ),
      noTensorflow,
    ],
  ),
  restrict(['workers/**'], [forbid(['state', 'ui', 'pwa'], 'A worker has no page.')]),
);
