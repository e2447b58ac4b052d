/** Stacked bars per day (brief 5, Plot): legend above, tooltip with the sum, arrow keys move it, the numbers below. */
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

/** One series; its colour is that of its place. */
export interface Series {
  name: string;
  values: readonly number[];
}

/** Props of Plot. */
export interface PlotProps {
  title: string;
  /** "2026-11-24", one per bar. */
  days: readonly string[];
  series: readonly Series[];
  format: (value: number) => string;
  /** What to say when there is nothing to draw. */
  empty: string;
  loading?: boolean;
}

const HEIGHT = 216;
const HEIGHT_PHONE = 180;
const MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
const WEEKDAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/** The plot with its legend and the table of its numbers. */
export function Plot({ title, days, series, format, empty, loading }: PlotProps) {
  const sums = days.map((_day, at) => series.reduce((sum, one) => sum + (one.values[at] ?? 0), 0));
  const top = Math.max(0, ...sums);
  const [at, setAt] = useState<number | null>(null);
  const nothing = !loading && top === 0;
  const best = sums.indexOf(top);
  const label = nothing ? `${title}. ${empty}` : `${title}, ${days.length} days. Highest: ${format(top)} on ${longDay(days[best] ?? "")}. Arrow keys read the days.`;
  const keys = (event: KeyboardEvent): void => {
    const last = days.length - 1;
    const to = { ArrowLeft: (at ?? days.length) - 1, ArrowRight: (at ?? -1) + 1, Home: 0, End: last }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      setAt(Math.max(0, Math.min(last, to)));
    } else if (event.key === "Escape") setAt(null);
  };
  return (
    <figure class="plot">
      <figcaption class="plot-head">
        <h3 class="st">{title}</h3>
        <span class="grow" />
        {series.length > 1 && (
          <ul class="plot-legend" aria-label="Series">
            {series.map((one, index) => <li key={one.name}><Swatch at={index} />{one.name}</li>)}
          </ul>
        )}
      </figcaption>
      {nothing ? (
        <p class="plot-empty">{empty}</p>
      ) : (
        <div class="plot-box" tabIndex={0} role="img" aria-label={label} onKeyDown={keys} onBlur={() => setAt(null)} onPointerLeave={() => setAt(null)}>
          <Canvas days={days} series={series} format={format} at={at} onAt={setAt} />
          {at !== null && <Tip days={days} series={series} sums={sums} format={format} at={at} />}
        </div>
      )}
      {!nothing && !loading && (
        <details class="plot-numbers">
          <summary>The numbers of each day</summary>
          <table class="table">
            <caption class="hide">{title}</caption>
            <thead><tr><th scope="col">Day</th>{series.map((one) => <th key={one.name} scope="col" class="num">{one.name}</th>)}<th scope="col" class="num">All</th></tr></thead>
            <tbody>
              {days.map((day, index) => sums[index] !== 0 && (
                <tr key={day}><td>{shortDay(day)}</td>{series.map((one) => <td key={one.name} class="num">{format(one.values[index] ?? 0)}</td>)}<td class="num">{format(sums[index] ?? 0)}</td></tr>
              ))}
            </tbody>
          </table>
        </details>
      )}
    </figure>
  );
}

/** The colour of a series. */
export function Swatch({ at }: { at: number }) {
  return <i class={`plot-swatch plot-c${Math.min(3, at) + 1}`} aria-hidden="true" />;
}

function Tip({ days, series, sums, format, at }: { days: readonly string[]; series: readonly Series[]; sums: readonly number[]; format: (value: number) => string; at: number }) {
  const share = (at + 0.5) / days.length;
  const side = share > 0.5 ? { right: `calc(${(1 - share) * 100}% + 24px)` } : { left: `calc(${share * 100}% + 60px)` };
  return (
    <div class="plot-tip" style={side} aria-live="polite">
      <b>{longDay(days[at] ?? "")}</b>
      <dl>
        {series.map((one, index) => (
          <div key={one.name}><dt><Swatch at={index} />{one.name}</dt><dd>{format(one.values[at] ?? 0)}</dd></div>
        ))}
        {series.length > 1 && <div><dt>All</dt><dd class="med">{format(sums[at] ?? 0)}</dd></div>}
      </dl>
    </div>
  );
}

interface CanvasProps {
  days: readonly string[];
  series: readonly Series[];
  format: (value: number) => string;
  at: number | null;
  onAt: (at: number | null) => void;
}

function Canvas({ days, series, format, at, onAt }: CanvasProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const point = useRef<number | null>(null);
  point.current = at;
  useLayoutEffect(() => {
    const holder = box.current;
    if (!holder) return undefined;
    const height = holder.clientWidth < 600 ? HEIGHT_PHONE : HEIGHT;
    const made = new uPlot(options(days, series, format, holder.clientWidth, height, point, onAt), [days.map((_day, index) => index), ...series.map((one) => [...one.values])], holder);
    plot.current = made;
    const resize = new ResizeObserver(() => made.setSize({ width: holder.clientWidth, height: holder.clientWidth < 600 ? HEIGHT_PHONE : HEIGHT }));
    resize.observe(holder);
    const looks = new MutationObserver(() => made.redraw());
    looks.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const again = (): void => made.redraw();
    dark.addEventListener("change", again);
    return () => {
      resize.disconnect();
      looks.disconnect();
      dark.removeEventListener("change", again);
      made.destroy();
      plot.current = null;
    };
  }, [days, series]);
  useEffect(() => plot.current?.redraw(false), [at]);
  return <div class="plot-canvas" ref={box} aria-hidden="true" />;
}

function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

function options(
  days: readonly string[],
  series: readonly Series[],
  format: (value: number) => string,
  width: number,
  height: number,
  point: { current: number | null },
  onAt: (at: number | null) => void,
): uPlot.Options {
  const top = Math.max(...days.map((_day, index) => series.reduce((sum, one) => sum + (one.values[index] ?? 0), 0)));
  const step = niceStep(top);
  const font = `11px ${token("font") || "sans-serif"}`;
  return {
    width,
    height,
    padding: [8, 0, 0, 0],
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, points: { show: false }, x: false, y: false },
    scales: { x: { time: false, range: () => [-0.5, days.length - 0.5] }, y: { range: () => [0, step * 4] } },
    axes: [
      { stroke: () => token("text-3"), font, grid: { show: false }, ticks: { show: false }, gap: 6, size: 24, splits: () => marks(days, width), values: (_plot, splits) => splits.map((index) => shortDay(days[index] ?? "")) },
      { stroke: () => token("text-3"), font, grid: { stroke: () => token("plot-grid"), width: 1 }, ticks: { show: false }, gap: 10, size: 52, splits: () => [0, 1, 2, 3, 4].map((index) => index * step), values: (_plot, splits) => splits.map((value) => axisWords(value, format)) },
    ],
    series: [{}, ...series.map(() => ({ show: true, paths: () => null, points: { show: false } }))],
    hooks: {
      drawClear: [(plot) => drawPointed(plot, days.length, point.current)],
      draw: [(plot) => drawBars(plot, days.length, series)],
      setCursor: [(plot) => {
        const { left = -1 } = plot.cursor;
        if (left < 0) return;
        onAt(Math.max(0, Math.min(days.length - 1, Math.round(plot.posToVal(left, "x")))));
      }],
    },
  };
}

function drawPointed(plot: uPlot, count: number, at: number | null): void {
  if (at === null) return;
  const { ctx, bbox } = plot;
  const wide = bbox.width / count;
  ctx.fillStyle = token("hover");
  ctx.fillRect(bbox.left + at * wide, bbox.top, wide, bbox.height);
}

function drawBars(plot: uPlot, count: number, series: readonly Series[]): void {
  const { ctx, bbox } = plot;
  const ratio = window.devicePixelRatio || 1;
  const column = bbox.width / count;
  const wide = Math.max(1, Math.min(column * 0.62, 28 * ratio));
  const colours = [1, 2, 3, 4].map((index) => token(`plot-${index}`));
  for (let at = 0; at < count; at++) {
    const left = bbox.left + at * column + (column - wide) / 2;
    let below = 0;
    series.forEach((one, index) => {
      const value = one.values[at] ?? 0;
      if (value <= 0) return;
      const bottom = plot.valToPos(below, "y", true);
      const upper = plot.valToPos(below + value, "y", true);
      const gap = below > 0 ? ratio : 0;
      ctx.fillStyle = colours[Math.min(3, index)] ?? "";
      ctx.fillRect(left, upper, wide, Math.max(ratio * 0.6, bottom - upper - gap));
      below += value;
    });
  }
  ctx.fillStyle = token("line-strong");
  ctx.fillRect(bbox.left, bbox.top + bbox.height, bbox.width, ratio);
}

/** A round number of which four reach over `top`. */
export function niceStep(top: number): number {
  if (top <= 0) return 1;
  const raw = top / 4;
  const power = 10 ** Math.floor(Math.log10(raw));
  const times = [1, 2, 2.5, 5, 10].find((factor) => factor * power >= raw) ?? 10;
  return times * power;
}

function axisWords(value: number, format: (value: number) => string): string {
  return format(value).replace(/\.00$/, "");
}

function marks(days: readonly string[], width: number): number[] {
  const every = Math.max(1, Math.ceil(days.length / Math.max(2, Math.floor(width / 140))));
  const rounded = every > 3 ? Math.ceil(every / 7) * 7 : every;
  return days.map((_day, index) => index).filter((index) => index % rounded === 0);
}

function parts(day: string): Date {
  return new Date(`${day}T12:00:00Z`);
}

/** "24 Nov" */
export function shortDay(day: string): string {
  if (!day) return "";
  const date = parts(day);
  return `${date.getUTCDate()} ${(MONTHS[date.getUTCMonth()] ?? "").slice(0, 3)}`;
}

/** "Tuesday 24 November" */
export function longDay(day: string): string {
  if (!day) return "";
  const date = parts(day);
  return `${WEEKDAYS[date.getUTCDay()] ?? ""} ${date.getUTCDate()} ${MONTHS[date.getUTCMonth()] ?? ""}`;
}
