// Runs `trainyard` as a person would: another process, its exit status, what it wrote to stdout and stderr.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const SCRIPT = fileURLToPath(new URL('../../../scripts/trainyard.mjs', import.meta.url));

export interface CommandResult {
  status: number | null;
  stdout: string;
  stderr: string;
}

export interface RunningCommand {
  /** What it wrote so far. */
  stderr(): string;
  /** As Ctrl-C does. */
  interrupt(): void;
  ended: Promise<CommandResult>;
}

export function startTrainyard(args: readonly string[], options: { cwd?: string } = {}): RunningCommand {
  // The cache of whoever runs the tests is never touched: a test that wants one names it with --cache.
  const env = { ...process.env, TRAINYARD_CACHE: 'off' };
  const child = spawn(process.execPath, [SCRIPT, ...args], {
    cwd: options.cwd,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = new Promise<CommandResult>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, stdout, stderr }));
  });
  return { stderr: () => stderr, interrupt: () => void child.kill('SIGINT'), ended };
}

export function trainyard(args: readonly string[], options: { cwd?: string } = {}): Promise<CommandResult> {
  return startTrainyard(args, options).ended;
}

/** The lines of stderr that begin with the program's name: its last words, as against progress. */
export function complaints({ stderr }: CommandResult): string[] {
  return stderr.split('\n').filter((line) => line.startsWith('trainyard: '));
}
