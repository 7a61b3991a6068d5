// The screens of a project and their addresses. Hash routes: they work on any static host.
import ChartNoAxesColumn from '@lucide/svelte/icons/chart-no-axes-column';
import Images from '@lucide/svelte/icons/images';
import LayoutDashboard from '@lucide/svelte/icons/layout-dashboard';
import List from '@lucide/svelte/icons/list';
import PackageOpen from '@lucide/svelte/icons/package-open';
import ScanSearch from '@lucide/svelte/icons/scan-search';
import SlidersHorizontal from '@lucide/svelte/icons/sliders-horizontal';

export const SCREENS = [
  { id: 'overview', title: 'Overview', icon: LayoutDashboard, key: 'o' },
  { id: 'data', title: 'Data', icon: Images, key: 'd' },
  { id: 'train', title: 'Train', icon: SlidersHorizontal, key: 't' },
  { id: 'runs', title: 'Runs', icon: List, key: 'r' },
  { id: 'evaluate', title: 'Evaluate', icon: ChartNoAxesColumn, key: 'e' },
  { id: 'predict', title: 'Predict', icon: ScanSearch, key: 'p' },
  { id: 'export', title: 'Export', icon: PackageOpen, key: 'x' },
] as const;

export type ScreenId = (typeof SCREENS)[number]['id'];

/** '#/project/1/data', with a query where one is given: `{ class: 'cat' }`. */
export function screenHref(projectId: string, screen: ScreenId, query?: Readonly<Record<string, string>>): string {
  const path = `#/project/${projectId}${screen === 'overview' ? '' : `/${screen}`}`;
  const text = new URLSearchParams(query).toString();
  return text === '' ? path : `${path}?${text}`;
}

export function runHref(projectId: string, runId: string): string {
  return `#/project/${projectId}/runs/${runId}`;
}

/** Which screen a route id ('/project/[id]/runs/[run]') belongs to. */
export function screenOf(routeId: string | null): ScreenId | null {
  if (!routeId?.startsWith('/project/[id]')) return null;
  const name = routeId.split('/')[3];
  return SCREENS.find(({ id }) => id === name)?.id ?? 'overview';
}
