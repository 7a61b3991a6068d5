// Where weights may be downloaded from: the one list behind the content policy, the server, the command line and the code that asks.

/** The hub that names like 'timm/resnet18.a1_in1k' mean unless TRAINYARD_HUB or --hub says otherwise. */
export const DEFAULT_HUB = 'https://huggingface.co';

/** Hubs that send downloads on to other hosts. @type {Record<string, string[] | undefined>} */
const DOWNLOAD_HOSTS = { 'https://huggingface.co': ['https://*.huggingface.co', 'https://*.hf.co'] };

/** Addresses allow more in a host's name, such as ';', with which a content policy could be extended at will. */
const HOST = /^([a-z0-9.-]+|\[[0-9a-f:]+\])$/;
const LOOPBACK = /^(localhost|127\.0\.0\.1|\[::1\]|.*\.localhost)$/;

/**
 * @typedef {object} Hub
 * @property {string} base Address without a slash at its end; names are put behind it.
 * @property {string[]} sources Origins that may be asked, as a content policy writes them: 'https://*.hf.co' stands for every host below.
 */

/**
 * Reads 'BASE [ORIGIN ...]', with spaces or commas between: the hub's address, then further origins that it sends downloads to.
 * Throws an Error that says what is wrong.
 * @param {string} text
 * @returns {Hub}
 */
export function parseHub(text) {
  const [first, ...others] = text.split(/[\s,]+/).filter((part) => part !== '');
  if (first === undefined) throw new Error('The hub has no address.');
  const url = address(first);
  const base = `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
  const sources = [url.origin, ...(DOWNLOAD_HOSTS[url.origin] ?? []), ...others.map(source)];
  return { base, sources: [...new Set(sources)] };
}

/** @param {string} text */
function address(text) {
  const url = URL.canParse(text) ? new URL(text) : null;
  const secure = url?.protocol === 'https:' || (url?.protocol === 'http:' && LOOPBACK.test(url.hostname));
  if (url === null || !secure || !HOST.test(url.hostname)) {
    throw new Error(`The hub's address "${text}" is not an https address.`);
  }
  return url;
}

/** An origin; its host may begin with '*.'. @param {string} text */
function source(text) {
  const [, scheme, wildcard = '', rest] = /^(https?:\/\/)?(\*\.)?(.*)$/s.exec(text) ?? [];
  return address(`${scheme ?? 'https://'}${rest}`).origin.replace('://', `://${wildcard}`);
}

/**
 * Whether the content policy `sources` let a request to this address pass.
 * @param {URL} url
 * @param {readonly string[]} sources
 */
export function isAllowed(url, sources) {
  return sources.some((entry) => {
    if (!entry.includes('://*.')) return url.origin === entry;
    const { protocol, hostname, port } = new URL(entry.replace('://*.', '://'));
    return url.protocol === protocol && url.port === port && url.hostname.endsWith(`.${hostname}`);
  });
}
