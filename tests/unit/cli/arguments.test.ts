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

  it.each([[[]], [['--help']], [['help']], [['train', '-h']]])('shows help for %j', (argv) => {
    expect(parseCommandLine(argv).command).toBe('help');
  });

  it('gives the version whatever else is said', () => {
    expect(parseCommandLine(['train', '--version']).command).toBe('version');
  });

  it.each<[string, string[], string]>([
    ['an unknown command', ['fit'], 'There is no command "fit". Commands: train, resume, evaluate,'],
    ['an inherited property as a command', ['toString'], 'There is no command "toString"'],
    ['an unknown flag', ['train', '--epochs', '3'], "Unknown option '--epochs'"],
    ['a flag of another command', ['predict', 'DIR', '--format', 'onnx'], '"trainyard predict" takes no --format.'],
    ['a flag without a value', ['train', '--out'], '--out'],
    ['an unknown split', ['evaluate', 'DIR', '--split', 'dev'], '--split is "dev". Use train, val, test or all.'],
    ['an unknown device', ['doctor', '--device', 'gpu'], '--device is "gpu". Use auto, webgpu, wasm or cpu.'],
    ['an unknown checkpoint', ['export', 'D', '--checkpoint', 'first'], '--checkpoint is "first". Use best or last.'],
  ])('refuses %s in one line', (_, argv, message) => {
    const attempt = () => parseCommandLine(argv);
    expect(attempt).toThrow(UsageError);
    expect(attempt).toThrow(message);
    expect(attempt).not.toThrow('\n');
  });
});
