// `npm start`: builds the static site if needed, serves it on the loopback address and prints that address.
import { BUILD, ensureBuild } from './lib/build.mjs';
import { startServer } from './server.mjs';

const DEFAULT_PORT = 4173;

/** @returns {number} */
function askedPort() {
  const text = process.env.PORT;
  if (text === undefined || text === '') return DEFAULT_PORT;
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port < 65536) return port;
  console.error(`trainyard: PORT is "${text}". Set it to a number from 0 (any free port) to 65535.`);
  process.exit(2);
}

const port = askedPort();
console.log('Building (only when sources changed) ...');
const build = ensureBuild();
if (!build.ok) {
  console.error(build.output);
  process.exit(1);
}
const options = { root: BUILD, base: process.env.BASE_PATH ?? '' };
const server = await startServer({ ...options, port }).catch((error) => {
  // Only the default gives way: a port that was asked for by name must not silently become another.
  if (error.code === 'EADDRINUSE' && process.env.PORT === undefined) return startServer({ ...options, port: 0 });
  console.error(`trainyard: Port ${port} cannot be used (${error.code}). Choose another with PORT=...`);
  process.exit(2);
});
console.log(`Trainyard is at ${server.url}  (Ctrl+C stops it; an installed page goes on without it)`);
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void server.close().then(() => process.exit(0)));
