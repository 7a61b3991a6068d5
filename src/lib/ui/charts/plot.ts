// uPlot behind one function. Loaded when the first chart is shown, never before (22 kB).
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { resolveColor } from '../colors';
import { onThemeChange } from '../theme';
import { align, type Mark, type Series, type Zoom } from './series';

export interface PlotOptions {
  height: number;
  yFormat: (value: number) => string;
  xFormat: (value: number) => string;
  xLabel: string;
  /** Unit behind the axis values: '%', 'images/s'. */
  unit: string;
  logarithmic: boolean;
  /** Fixed ends of the y axis; null follows the data. */
  yMin: number | null;
  yMax: number | null;
  /** Charts with the same key share one cursor. */
  sync?: string;
  /** Bars instead of lines. */
  bars: boolean;
  /** `x` at the cursor; null when it has left. */
  onCursor: (x: number | null) => void;
  /** A part of the x axis was drawn over, or all of it asked for again. */
  onZoom: (zoom: Zoom | null) => void;
}

export interface Plot {
  /** Same number and identity of series: new data only. Otherwise the plot is made anew. */
  update(series: readonly Series[], marks: readonly Mark[]): void;
  /** Null shows all. */
  zoom(zoom: Zoom | null): void;
  resize(width: number, height: number): void;
  toBlob(): Promise<Blob | null>;
  destroy(): void;
}

const FONT = '11px system-ui, sans-serif';
/** Of a digit at 11 px, at most: DejaVu Sans, the widest of the usual ones. */
const LETTER_WIDTH = 7;
/** A shorter drag is a click with an unsteady hand. */
const LEAST_DRAG = 6;
/** Room at the right for direct labels, at most. */
const LABEL_WIDTH = 96;

/** Draws into `host`, in the colours of the theme in force, until destroyed. */
export function createPlot(
  host: HTMLElement,
  first: readonly Series[],
  firstMarks: readonly Mark[],
  options: PlotOptions,
): Plot {
  let series = first;
  let marks = firstMarks;
  let zoomed: Zoom | null = null;
  let width = host.clientWidth;
  let { height } = options;
  let plot = make();
  const stopTheme = onThemeChange(remake);

  function make(): uPlot {
    const token = (css: string) => resolveColor(host, css);
    const text = token('var(--muted)');
    const grid = token('var(--line)');
    const surface = token('var(--surface)');
    const strong = token('var(--text)');
    const colors = series.map(({ color }) => token(color));
    const axis = { stroke: text, font: FONT, grid: { stroke: grid, width: 1 }, ticks: { show: false } };
    const labelled = series.filter(({ faint }) => !faint);
    const direct = labelled.length > 1 && labelled.length <= 6 && width > 380;
    return new uPlot(
      {
        width,
        height,
        padding: [8, direct ? LABEL_WIDTH : 16, 0, 0],
        legend: { show: false },
        cursor: {
          y: false,
          points: { size: 7, show: !options.bars },
          // The other charts follow the cursor; what is drawn over they are told by whoever holds the zoom.
          sync: options.sync
            ? {
                key: options.sync,
                setSeries: false,
                filters: { pub: (type) => type === 'mousemove' || type === 'mouseleave' },
              }
            : undefined,
          drag: { x: true, y: false, setScale: false },
          bind: {
            dblclick: () => () => {
              options.onZoom(null);
              return null;
            },
          },
        },
        scales: {
          x: { time: false, range: (self, low, high) => xRange(self, low, high) },
          y: {
            distr: options.logarithmic ? 3 : 1,
            range: options.logarithmic ? undefined : (_, low, high) => yRange(low, high, options),
          },
        },
        axes: [
          { ...axis, size: 26, gap: 4, grid: { show: false }, values: (_, ticks) => ticks.map(options.xFormat) },
          {
            ...axis,
            gap: 6,
            // By letters, not measured: measuring text took more of the page's time than drawing all the curves.
            size: (_, values) => Math.max(0, ...(values ?? []).map((value) => value?.length ?? 0)) * LETTER_WIDTH + 14,
            values: (_, ticks) => ticks.map((tick) => (tick === null ? '' : options.yFormat(tick))),
          },
        ],
        series: [
          {},
          ...series.map((one, index): uPlot.Series => ({
            label: one.label,
            stroke: one.faint ? fade(colors[index]) : colors[index],
            width: options.bars ? 0 : one.faint ? 1 : 1.5,
            fill: options.bars ? colors[index] : undefined,
            paths: options.bars ? uPlot.paths.bars?.({ size: [0.85, 48], gap: 1 }) : undefined,
            dash: one.dashed ? [5, 4] : undefined,
            // A lone value would be invisible without its point.
            points: { show: !options.bars && (one.points === true || one.x.length === 1), size: 5, fill: surface },
            spanGaps: true,
          })),
        ],
        hooks: {
          setCursor: [(self) => options.onCursor(cursorX(self))],
          setSelect: [drawnOver],
          draw: [
            (self) => drawMarks(self, marks, strong, text),
            (self) => {
              if (direct) drawLabels(self, series, colors);
            },
          ],
        },
      },
      align(series),
      host,
    );
  }

  function xRange(self: uPlot, low: number, high: number): [number, number] {
    if (zoomed) return [zoomed.min, zoomed.max];
    if (!options.bars) return [low, high];
    // Bars stand on their x: half of one would be cut off at each end.
    const half = (high - low) / Math.max(1, self.data[0].length - 1) / 2 || 0.5;
    return [low - half, high + half];
  }

  function drawnOver(self: uPlot) {
    const { left, width: across } = self.select;
    if (across === 0) return;
    self.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    if (across < LEAST_DRAG) return;
    options.onZoom({ min: self.posToVal(left, 'x'), max: self.posToVal(left + across, 'x') });
  }

  function remake() {
    plot.destroy();
    plot = make();
  }

  return {
    update(next, nextMarks) {
      const same =
        next.length === series.length &&
        next.every(
          (one, index) =>
            one.id === series[index].id && one.color === series[index].color && one.points === series[index].points,
        );
      // A curve's first two values switch its points on and off.
      const grown = next.some((one, index) => one.x.length > 1 !== (series[index]?.x.length ?? 0) > 1);
      series = next;
      marks = nextMarks;
      if (same && !grown) plot.setData(align(series));
      else remake();
    },
    zoom(next) {
      zoomed = next;
      plot.setData(plot.data);
    },
    resize(nextWidth, nextHeight) {
      if (nextWidth === width && nextHeight === height) return;
      const crossed = width > 380 !== nextWidth > 380;
      width = nextWidth;
      height = nextHeight;
      if (crossed) remake();
      else plot.setSize({ width, height });
    },
    toBlob: () => withBackground(plot.ctx.canvas, resolveColor(host, 'var(--surface)')),
    destroy() {
      stopTheme();
      plot.destroy();
    },
  };
}

/** At the value that the cursor has snapped to, else where it is: other charts have other values. */
function cursorX({ cursor, data, posToVal }: uPlot): number | null {
  const { idx, left } = cursor;
  if (left === undefined || left < 0) return null;
  return idx == null ? posToVal(left, 'x') : data[0][idx];
}

/** A little air around the data, the fixed ends where there are any, and never an empty range. */
function yRange(low: number, high: number, { yMin, yMax }: PlotOptions): [number, number] {
  if (low === null || high === null || !Number.isFinite(low) || !Number.isFinite(high)) return [yMin ?? 0, yMax ?? 1];
  const pad = (high - low || Math.abs(high) || 1) * 0.06;
  const floor = yMin ?? (low >= 0 && low - pad < 0 ? 0 : low - pad);
  return [Math.min(floor, low), yMax === null ? high + pad : Math.max(yMax, high)];
}

function drawMarks(self: uPlot, marks: readonly Mark[], strong: string, text: string) {
  const { ctx, bbox } = self;
  ctx.save();
  ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
  ctx.textBaseline = 'top';
  for (const mark of marks) {
    const x = self.valToPos(mark.x, 'x', true);
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    if (mark.small) {
      const foot = bbox.top + bbox.height;
      const size = 4 * devicePixelRatio;
      ctx.fillStyle = mark.strong ? strong : text;
      ctx.beginPath();
      ctx.moveTo(x, foot - 1.6 * size);
      ctx.lineTo(x + size, foot);
      ctx.lineTo(x - size, foot);
      ctx.fill();
      continue;
    }
    ctx.strokeStyle = mark.strong ? strong : text;
    ctx.globalAlpha = mark.strong ? 0.8 : 0.4;
    ctx.lineWidth = devicePixelRatio;
    ctx.setLineDash(mark.strong ? [] : [3 * devicePixelRatio, 3 * devicePixelRatio]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.globalAlpha = 1;
    ctx.fillStyle = mark.strong ? strong : text;
    const onLeft = x > bbox.left + bbox.width * 0.8;
    ctx.textAlign = onLeft ? 'right' : 'left';
    if (mark.label) ctx.fillText(mark.label, x + (onLeft ? -4 : 4) * devicePixelRatio, bbox.top + 2 * devicePixelRatio);
  }
  ctx.restore();
}

/** Names at the right end of their curves, moved apart where they would overlap. */
function drawLabels(self: uPlot, series: readonly Series[], colors: readonly string[]) {
  const { ctx, bbox } = self;
  const line = 13 * devicePixelRatio;
  const labels = series
    .map((one, index) => {
      const last = one.y.findLast((value) => value !== null);
      const y = last == null ? NaN : self.valToPos(last, 'y', true);
      return { text: one.faint ? '' : one.label, color: colors[index], y };
    })
    .filter(({ y, text }) => Number.isFinite(y) && text !== '')
    .sort((a, b) => a.y - b.y);
  for (let index = 1; index < labels.length; index++) {
    labels[index].y = Math.max(labels[index].y, labels[index - 1].y + line);
  }
  const bottom = bbox.top + bbox.height;
  for (let index = labels.length - 1, limit = bottom; index >= 0; index--, limit -= line) {
    labels[index].y = Math.min(labels[index].y, limit);
  }
  ctx.save();
  ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
  ctx.textBaseline = 'middle';
  // uPlot leaves it as its last axis had it.
  ctx.textAlign = 'left';
  for (const { text, color, y } of labels) {
    ctx.fillStyle = color;
    ctx.fillText(text, bbox.left + bbox.width + 6 * devicePixelRatio, y, (LABEL_WIDTH - 8) * devicePixelRatio);
  }
  ctx.restore();
}

/** A computed colour ('rgb(...)' or 'color(...)') at a third of its strength. */
function fade(color: string): string {
  return `color-mix(in srgb, ${color} 35%, transparent)`;
}

/** The canvas alone is transparent; a picture on its own needs paper. */
function withBackground(canvas: HTMLCanvasElement, background: string): Promise<Blob | null> {
  const copy = document.createElement('canvas');
  copy.width = canvas.width;
  copy.height = canvas.height;
  const context = copy.getContext('2d');
  if (!context) return Promise.resolve(null);
  context.fillStyle = background;
  context.fillRect(0, 0, copy.width, copy.height);
  context.drawImage(canvas, 0, 0);
  return new Promise((resolve) => copy.toBlob(resolve, 'image/png'));
}
