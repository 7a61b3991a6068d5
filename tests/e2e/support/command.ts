// Runs `trainyard` as a person would: another process, its exit status, what it wrote to stdout and stderr.
import { execFile, spawn } from 'node:child_process';
import { promisify } from 'node:util';
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
  /** As `kill -9` does; its browser lives on for a moment. */
  kill(): void;
  /** The same to its browser alone. */
  killBrowser(): Promise<void>;
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
  return {
    stderr: () => stderr,
    interrupt: () => void child.kill('SIGINT'),
    kill: () => void child.kill('SIGKILL'),
    async killBrowser() {
      const browsers = await childrenOf(child.pid ?? 0);
      if (browsers.length === 0) throw new Error('The command has no browser now.');
      for (const pid of browsers) process.kill(pid, 'SIGKILL');
    },
    ended,
  };
}

/** Process ids. The command line starts no process but its browser. */
async function childrenOf(pid: number): Promise<number[]> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid=']);
  const pairs = stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number));
  return pairs.filter(([, parent]) => parent === pid).map(([id]) => id);
}

export function trainyard(args: readonly string[], options: { cwd?: string } = {}): Promise<CommandResult> {
  return startTrainyard(args, options).ended;
}

/** The lines of stderr that begin with the program's name: its last words, as against progress. */
export function complaints({ stderr }: CommandResult): string[] {
  return stderr.split('\n').filter((line) => line.startsWith('trainyard: '));
}
