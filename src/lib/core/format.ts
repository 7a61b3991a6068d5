// Numbers as people read them, the same on the page and on the command line. English separators everywhere: no locale is consulted.

/** What an undefined value (null, NaN) shows as. */
export const UNDEFINED = '–';

const BYTE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

/** '0 B', '980 B', '1.5 kB', '302 MB': decimal units, as file managers and disks count. */
export function formatBytes(bytes: number): string {
  if (!Number.isFinite(bytes)) return UNDEFINED;
  let unit = 0;
  let value = bytes;
  // 999.5 would round to 1,000 of the smaller unit.
  while (Math.abs(value) >= 999.5 && unit < BYTE_UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${formatNumber(value, unit === 0 || Math.abs(value) >= 9.95 ? 0 : 1)} ${BYTE_UNITS[unit]}`;
}

/** '12,345'. */
export function formatCount(count: number): string {
  return formatNumber(count, 0);
}

/** Fixed decimals with thousands separators: '1,234.50'. */
export function formatNumber(value: number | null, decimals: number): string {
  if (value === null || !Number.isFinite(value)) return UNDEFINED;
  const [whole, fraction] = Math.abs(value).toFixed(decimals).split('.');
  const sign = value < 0 && Number(value.toFixed(decimals)) !== 0 ? '-' : '';
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return fraction === undefined ? sign + grouped : `${sign}${grouped}.${fraction}`;
}

/** A quantity of unknown size by significant digits: '0.0012', '12.3', '1.2e-7'. For losses and learning rates. */
export function formatSignificant(value: number | null, digits = 3): string {
  if (value === null || !Number.isFinite(value)) return UNDEFINED;
  if (value === 0) return '0';
  const size = Math.abs(value);
  const rounded = Number(value.toPrecision(digits));
  if (size < 1e-4 || size >= 1e9) return rounded.toExponential().replace('e+', 'e');
  return Number.isInteger(rounded) ? formatCount(rounded) : String(rounded);
}

/** A ratio in 0..1 as '97.3 %'. */
export function formatPercent(ratio: number | null, decimals = 1): string {
  if (ratio === null || !Number.isFinite(ratio)) return UNDEFINED;
  return `${formatNumber(ratio * 100, decimals)} %`;
}

/** Seconds as '0.4 s', '12 s', '3 min 05 s', '2 h 04 min', '3 d 2 h'. */
export function formatDuration(seconds: number | null): string {
  if (seconds === null || !Number.isFinite(seconds)) return UNDEFINED;
  if (seconds < 0.0095) return `${formatNumber(seconds * 1000, 0)} ms`;
  if (seconds < 9.95) return `${formatNumber(seconds, seconds < 0.095 ? 2 : 1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
  const hours = Math.round(seconds / 3600);
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** '412 images/s'; below ten with a decimal. */
export function formatRate(perSecond: number | null, unit: string): string {
  if (perSecond === null || !Number.isFinite(perSecond)) return `${UNDEFINED} ${unit}/s`;
  return `${formatNumber(perSecond, perSecond < 9.95 ? 1 : 0)} ${unit}/s`;
}

/** '1 image', '2 images'. */
export function formatPlural(count: number, singular: string, plural = `${singular}s`): string {
  return `${formatCount(count)} ${count === 1 ? singular : plural}`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
