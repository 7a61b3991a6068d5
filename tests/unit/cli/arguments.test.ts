import { describe, expect, it } from 'vitest';
import { parseCommandLine, UsageError } from '../../../scripts/cli/arguments.mjs';

describe('the command line', () => {
  it('is a command, its positionals and its flags, in any order', () => {
    expect(parseCommandLine(['train', 'job.json', 'seed=3', '--out', 'runs/a', '--data=x.zip'])).toEqual({
      command: 'train',
      positionals: ['job.json', 'seed=3'],
      flags: { out: 'runs/a', data: 'x.zip' },
    });
    expect(parseCommandLine(['--split', 'val', 'evaluate', 'DIR'])).toEqual({
      command: 'evaluate',
      positionals: ['DIR'],
      flags: { split: 'val' },
    });
  });

  it.each(['best', 'last', '12', 'top-3', 'saved-340'])('takes %s for a checkpoint', (checkpoint) => {
    expect(parseCommandLine(['predict', 'D', '--checkpoint', checkpoint]).flags).toEqual({ checkpoint });
  });

  it.each([[[]], [['--help']], [['help']], [['train', '-h']]])('shows help for %j', (argv) => {
    expect(parseCommandLine(argv).command).toBe('help');
  });

  it('gives the version whatever else is said', () => {
    expect(parseCommandLine(['train', '--version']).command).toBe('version');
  });

  it.each<[string, string[], string]>([
    ['an unknown command', ['fit'], 'There is no command "fit". Commands: train, sweep, resume, extend, evaluate,'],
    ['an inherited property as a command', ['toString'], 'There is no command "toString"'],
    ['an unknown flag', ['train', '--epoch', '3'], "Unknown option '--epoch'"],
    ['a flag of another command', ['predict', 'DIR', '--format', 'onnx'], '"trainyard predict" takes no --format.'],
    ['a flag without a value', ['train', '--out'], '--out'],
    ['an unknown split', ['evaluate', 'DIR', '--split', 'dev'], '--split is "dev". Use train, val, test or all.'],
    ['an unknown device', ['doctor', '--device', 'gpu'], '--device is "gpu". Use auto, webgpu, wasm or cpu.'],
    [
      'an unknown checkpoint',
      ['export', 'D', '--checkpoint', 'first'],
      '--checkpoint is "first". Use best, last, or the number',
    ],
  ])('refuses %s in one line', (_, argv, message) => {
    const attempt = () => parseCommandLine(argv);
    expect(attempt).toThrow(UsageError);
    expect(attempt).toThrow(message);
    expect(attempt).not.toThrow('\n');
  });
});
