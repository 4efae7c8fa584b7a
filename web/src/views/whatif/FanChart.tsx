/** One value ahead of now: the fans of one or several cases, limits of alarms, and what stands under the pointer. */
import { Component, createRef } from 'preact';
import {
  bandPath,
  bandsOf,
  linePath,
  nearestIndex,
  place,
  roundTicks,
  type Scale,
  spanOf,
  tickText,
  valueAt,
} from '../../charts/fan';
import type { Fan } from '../../forecast/result';
import { aheadText } from '../../format/time';
import { unitText } from '../../format/unit';
import { numberText } from '../../format/value';
import type { Seconds } from '../../protocol';

export interface Ribbon {
  name: string;
  /** Counts the colours, as everywhere on the page. */
  hue: number;
  fan: Fan;
}

interface Props {
  title: string;
  unit: string;
  times: Seconds[];
  ribbons: Ribbon[];
  limits: number[];
  height: number;
  /** The least and the greatest value of the axis, where several charts share it. */
  span: [number, number] | null;
}

interface Memory {
  width: number;
  /** The row of `times` under the pointer. */
  row: number | null;
}

const LEFT = 52;
const BOTTOM = 20;
const RIGHT = 8;

export class FanChart extends Component<Props, Memory> {
  override state: Memory = { width: 400, row: null };
  private readonly host = createRef<HTMLDivElement>();
  private readonly sizes = new ResizeObserver(([entry]) => {
    if (entry !== undefined) this.setState({ width: Math.max(120, Math.floor(entry.contentRect.width)) });
  });

  override componentDidMount(): void {
    if (this.host.current !== null) this.sizes.observe(this.host.current);
  }

  override componentWillUnmount(): void {
    this.sizes.disconnect();
  }

  override render({ title, unit, times, ribbons, height }: Props, { row, width }: Memory) {
    const [x, y] = this.scales();
    return (
      <figure class="fan" data-testid={`fan-${title}`}>
        <figcaption>
          <h3>
            {title} <span class="chart-unit">{unitText(unit)}</span>
          </h3>
          <ul class="legend">
            {ribbons.map((ribbon) => (
              <li key={ribbon.name}>
                <span class="swatch" style={{ color: hueText(ribbon.hue) }} aria-hidden="true" />
                <span class="legend-name">{ribbon.name}</span>
                <span class="legend-value">
                  {numberText(bandsOf(ribbon.fan).middle[row ?? times.length - 1] ?? Number.NaN, unit)}
                </span>
              </li>
            ))}
          </ul>
        </figcaption>
        <div ref={this.host} class="fan-host" style={{ height: `${height}px` }}>
          <svg
            width={width}
            height={height}
            role="img"
            aria-label={`Forecast of ${title}; the values are in the legend`}
            onPointerMove={(event) => this.point(event.offsetX, x)}
            onPointerLeave={() => this.setState({ row: null })}
          >
            <Axes x={x} y={y} limits={this.props.limits} />
            {ribbons.map((ribbon) => (
              <RibbonPaths key={ribbon.name} ribbon={ribbon} times={times} x={x} y={y} />
            ))}
            {row !== null && (
              <g class="fan-cursor">
                <path d={`M${place(x, times[row] ?? 0)} ${y.to}V${y.from}`} />
                <text x={place(x, times[row] ?? 0)} y={height - 5}>
                  {aheadText(times[row] ?? 0)}
                </text>
              </g>
            )}
          </svg>
        </div>
      </figure>
    );
  }

  private scales(): [Scale, Scale] {
    const { times, ribbons, height, span } = this.props;
    const [low, high] = span ?? fanSpan(ribbons.map(({ fan }) => fan));
    return [
      { low: times[0] ?? 0, high: times.at(-1) ?? 1, from: LEFT, to: this.state.width - RIGHT },
      { low, high, from: height - BOTTOM, to: 6 },
    ];
  }

  private point(offset: number, x: Scale): void {
    const row = nearestIndex(this.props.times, valueAt(x, offset));
    if (row !== this.state.row) this.setState({ row });
  }
}

/** What an axis must hold for these to be seen whole. */
export const fanSpan = (fans: Fan[]): [number, number] =>
  spanOf(fans.flatMap(({ quantiles, mean }) => [...quantiles, mean]));

export const hueText = (hue: number): string => `var(--hue-${(hue % 5) + 1})`;

function RibbonPaths({ ribbon, times, x, y }: { ribbon: Ribbon; times: Seconds[]; x: Scale; y: Scale }) {
  const { bands, middle } = bandsOf(ribbon.fan);
  return (
    <g style={{ color: hueText(ribbon.hue) }}>
      {bands.map(([low, high], index) => (
        <path key={index} class="fan-band" d={bandPath(x, y, times, low, high)} />
      ))}
      <path class="fan-line" d={linePath(x, y, times, middle)} />
    </g>
  );
}

export function Axes({ x, y, limits }: { x: Scale; y: Scale; limits: number[] }) {
  const values = roundTicks(y.low, y.high, Math.max(2, (y.from - y.to) / 34));
  const times = roundTimes(x.high - x.low, Math.max(2, (x.to - x.from) / 84));
  return (
    <g class="fan-axes">
      {values.map((value) => (
        <g key={value}>
          <path d={`M${x.from} ${place(y, value)}H${x.to}`} />
          <text class="fan-value" x={x.from - 6} y={place(y, value) + 4}>
            {tickText(value, values)}
          </text>
        </g>
      ))}
      {times.map((time) => (
        <g key={time}>
          <path d={`M${place(x, time)} ${y.to}V${y.from}`} />
          <text x={place(x, time)} y={y.from + 15}>
            {aheadText(time)}
          </text>
        </g>
      ))}
      {limits
        .filter((limit) => limit > y.low && limit < y.high)
        .map((limit) => (
          <path key={limit} class="fan-limit" d={`M${x.from} ${place(y, limit)}H${x.to}`} />
        ))}
    </g>
  );
}

/** Times are round in minutes, hours and days, which tens are not. */
function roundTimes(length: Seconds, count: number): Seconds[] {
  const step = TIME_STEPS.find((step) => length / step <= count) ?? roundTicks(0, length, count)[1] ?? length;
  return Array.from({ length: Math.floor(length / step + 1e-9) }, (_, index) => (index + 1) * step).filter(
    (time) => time < length * 0.97,
  );
}

const TIME_STEPS: Seconds[] = [
  1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800,
];
