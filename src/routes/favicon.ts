// The tab's icon as a progress ring while a run goes on, so that a look at the tabs is enough.

const RADIUS = 12;
const LENGTH = 2 * Math.PI * RADIUS;
let shown: number | null = null;

/** `progress` 0..1, null for the icon itself. Drawn anew only when a whole per cent has changed. */
export function showProgressInIcon(progress: number | null): void {
  const percent = progress === null ? null : Math.round(Math.min(1, progress) * 100);
  if (percent === shown) return;
  shown = percent;
  const link = document.querySelector<HTMLLinkElement>('link[rel=icon]');
  if (!link) return;
  link.dataset.original ??= link.getAttribute('href') ?? '';
  link.href = percent === null ? link.dataset.original : ring(percent / 100);
}

/** The middle grey shows on light and dark tabs alike. */
function ring(share: number): string {
  const svg =
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" fill="none" stroke-width="6">` +
    `<circle cx="16" cy="16" r="${RADIUS}" stroke="#8b8b96" stroke-opacity=".45"/>` +
    `<circle cx="16" cy="16" r="${RADIUS}" stroke="#4a64ea" stroke-dasharray="${share * LENGTH} ${LENGTH}" transform="rotate(-90 16 16)"/></svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}
