// `npm run build`: always builds, and shows what the tools say.
import { ensureBuild } from './lib/build.mjs';

const { ok } = ensureBuild({ force: true, verbose: true });
process.exitCode = ok ? 0 : 1;
