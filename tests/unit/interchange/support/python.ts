// Runs Python where it is installed, for checks that PyTorch and Pillow agree. PYTHON names another interpreter.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { beforeEach } from 'vitest';

// The system's own first: Debian's python3-torch and python3-pil belong to it, whatever else is on the path.
const CANDIDATES = process.env.PYTHON === undefined ? ['/usr/bin/python3', 'python3'] : [process.env.PYTHON];

/** The first interpreter that can import all of these, else null. */
export function findPython(modules: readonly string[]): string | null {
  for (const candidate of CANDIDATES) {
    if (candidate.startsWith('/') && !existsSync(candidate)) continue;
    const { status } = spawnSync(candidate, ['-c', `import ${modules.join(', ')}`], { stdio: 'ignore' });
    if (status === 0) return candidate;
  }
  return null;
}

/** Skips each test of the suite, with the reason, where no interpreter was found. */
export function skipWithout(python: string | null, modules: readonly string[]): void {
  const reason = `no Python with ${modules.join(', ')}; on Debian: python3-torch, python3-pil, python3-onnx`;
  beforeEach((context) => context.skip(python === null, reason));
}

/** What it prints. Throws with what it says when it fails. */
export function runPython(python: string, args: readonly string[], folder: string): string {
  const { status, stdout, stderr } = spawnSync(python, args, { cwd: folder, encoding: 'utf8', maxBuffer: 1 << 28 });
  if (status !== 0) throw new Error(`Python failed: ${stderr}`);
  return stdout;
}
