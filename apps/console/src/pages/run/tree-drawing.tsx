import {
  useCallback,
  useEffect,
  useMemo,
  useRef,
  useState,
  type KeyboardEvent,
  type PointerEvent,
  type ReactNode,
} from 'react';
import { Maximize, ZoomIn, ZoomOut } from 'lucide-react';
import type { GrantView, RunView } from '@bailiwick/contracts/grants/grant';
import type { Tree } from '../../api/queries';
import { AgentText, visibleText } from '../../parts/agent-text';
import { T } from '../../texts';
import { layOut, TONES, type Block, type Layout, type Tone } from './tree-layout';
import {
  blockAt,
  draw,
  isWhole,
  MAX_ROW_PX,
  wholeView,
  within,
  zoomed,
  type Colors,
  type Size,
  type View,
} from './tree-picture';

const HEIGHT_MAX = 440;
const HEIGHT_MIN = 92;
const STEP_PX = 56;
const ZOOM = 1.5;
const DRAG_PX = 4;
/** characters of a text that are drawn at most */
const TEXT_MAX = 120;

const toneOf = ({ status, blockedBy }: GrantView): Tone => {
  if (status === 'active') return blockedBy ? (blockedBy.status === 'suspended' ? 'wait' : 'bad') : 'good';
  return status === 'suspended' ? 'wait' : status === 'revoked' ? 'bad' : 'idle';
};

/** A lease below one that is stopped is stopped as well. */
function statusText({ status, blockedBy }: GrantView): string {
  const shown = status === 'active' && blockedBy ? blockedBy.status : status;
  return T.status[shown] ?? shown;
}

/** The lease tree as a picture: what it looks like as a whole, for a tree of any size. The grid below has the details. */
export function TreeDrawing({
  tree,
  chosen,
  onChoose,
}: {
  tree: Tree;
  chosen: string | undefined;
  onChoose: (grant: string) => void;
}): ReactNode {
  const layout = useMemo(
    () => layOut(tree.grants.map((grant) => ({ id: grant.id, parentId: grant.parentId, tone: toneOf(grant) }))),
    [tree.grants],
  );
  const runs = useMemo(() => new Map(tree.runs.map((run) => [run.id, run])), [tree.runs]);
  const chosenAt = useMemo(() => tree.grants.findIndex(({ id }) => id === chosen), [tree.grants, chosen]);
  const [under, setUnder] = useState<Block>();
  const picture = usePicture(layout, tree.grants, runs, chosenAt, under);
  const drag = useRef<{ x: number; y: number; moved: boolean }>(undefined);
  const counts = TONES.map((tone) => [tone, countOf(layout, tone)] as const).filter(([, count]) => count > 0);

  const at = (event: PointerEvent<HTMLCanvasElement>): Block | undefined => {
    const box = event.currentTarget.getBoundingClientRect();
    return picture.blockAt(event.clientX - box.left, event.clientY - box.top);
  };
  const onMove = (event: PointerEvent<HTMLCanvasElement>): void => {
    const from = drag.current;
    if (!from) return setUnder(at(event));
    if (!from.moved && Math.hypot(event.clientX - from.x, event.clientY - from.y) < DRAG_PX) return;
    picture.pan(from.x - event.clientX, from.y - event.clientY);
    drag.current = { x: event.clientX, y: event.clientY, moved: true };
  };
  const onUp = (event: PointerEvent<HTMLCanvasElement>): void => {
    const wasMoved = drag.current?.moved;
    drag.current = undefined;
    const block = at(event);
    if (wasMoved || !block) return;
    if (block.lease === undefined) {
      const box = event.currentTarget.getBoundingClientRect();
      return picture.zoom(ZOOM * ZOOM, event.clientY - box.top);
    }
    const grant = tree.grants[block.lease];
    if (grant) onChoose(grant.id);
  };
  const onKey = (event: KeyboardEvent): void => {
    const keys: Readonly<Record<string, () => void>> = {
      ArrowDown: () => picture.pan(0, STEP_PX),
      ArrowUp: () => picture.pan(0, -STEP_PX),
      ArrowRight: () => picture.pan(STEP_PX, 0),
      ArrowLeft: () => picture.pan(-STEP_PX, 0),
      PageDown: () => picture.pan(0, HEIGHT_MAX),
      PageUp: () => picture.pan(0, -HEIGHT_MAX),
      '+': () => picture.zoom(ZOOM),
      '=': () => picture.zoom(ZOOM),
      '-': () => picture.zoom(1 / ZOOM),
      '0': picture.whole,
    };
    const act = keys[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  };
  const d = T.run.drawing;
  return (
    <section className="panel drawing" aria-labelledby="drawing">
      <header className="panel-head">
        <h2 id="drawing">{d.title}</h2>
        <ul className="drawing-legend">
          {counts.map(([tone, count]) => (
            <li key={tone} className={`drawing-key drawing-key-${tone}`}>
              {d.tones[tone]} <span className="num">{count.toLocaleString()}</span>
            </li>
          ))}
        </ul>
        <span className="grow" />
        <span className="actions no-print">
          <button
            type="button"
            className="icon-button"
            onClick={() => picture.zoom(ZOOM)}
            aria-label={d.in}
            title={d.in}
          >
            <ZoomIn aria-hidden size={17} />
          </button>
          <button
            type="button"
            className="icon-button"
            onClick={() => picture.zoom(1 / ZOOM)}
            aria-label={d.out}
            title={d.out}
          >
            <ZoomOut aria-hidden size={17} />
          </button>
          <button type="button" className="icon-button" onClick={picture.whole} aria-label={d.whole} title={d.whole}>
            <Maximize aria-hidden size={16} />
          </button>
        </span>
      </header>
      <canvas
        ref={picture.canvas}
        role="img"
        tabIndex={0}
        aria-label={d.label(tree.grants.length, layout.columns.length)}
        aria-describedby="drawing-help"
        className="drawing-canvas"
        style={{ height: Math.min(HEIGHT_MAX, Math.max(HEIGHT_MIN, layout.rows * MAX_ROW_PX)) }}
        onKeyDown={onKey}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          drag.current = { x: event.clientX, y: event.clientY, moved: false };
        }}
        onPointerMove={onMove}
        onPointerUp={onUp}
        onPointerCancel={() => (drag.current = undefined)}
        onPointerLeave={() => setUnder(undefined)}
      />
      <p className="muted small drawing-under">
        {under ? <Under block={under} grants={tree.grants} runs={runs} /> : <span id="drawing-help">{d.help}</span>}
      </p>
    </section>
  );
}

/** What is under the pointer. */
function Under({
  block,
  grants,
  runs,
}: {
  block: Block;
  grants: readonly GrantView[];
  runs: ReadonlyMap<string, RunView>;
}): ReactNode {
  const grant = block.lease === undefined ? undefined : grants[block.lease];
  if (!grant) {
    const parts = TONES.flatMap((tone, at) => {
      const count = block.tones[at] ?? 0;
      return count === 0 ? [] : [`${count.toLocaleString()} ${T.run.drawing.tones[tone].toLowerCase()}`];
    });
    return T.run.drawing.several(block.count, parts.join(', '));
  }
  const run = runs.get(grant.runId);
  return (
    <>
      <strong>
        <AgentText>{run?.agent.class}</AgentText>
      </strong>{' '}
      {statusText(grant)} · {T.run.drawing.calls(grant.consumed.calls, grant.limits.budget.calls)}{' '}
      <AgentText>{run?.task ?? run?.agent.instance}</AgentText>
    </>
  );
}

const countOf = (layout: Layout, tone: Tone): number =>
  layout.columns.reduce((sum, { before }) => sum + (before[TONES.indexOf(tone)]?.at(-1) ?? 0), 0);

interface Picture {
  readonly canvas: (element: HTMLCanvasElement | null) => void;
  readonly pan: (x: number, y: number) => void;
  readonly zoom: (by: number, atPx?: number) => void;
  readonly whole: () => void;
  readonly blockAt: (x: number, y: number) => Block | undefined;
}

/** Draws at most once per frame, when something that is visible has changed. */
function usePicture(
  layout: Layout,
  grants: readonly GrantView[],
  runs: ReadonlyMap<string, RunView>,
  chosen: number,
  under: Block | undefined,
): Picture {
  const [element, setElement] = useState<HTMLCanvasElement | null>(null);
  const view = useRef<View>({ top: 0, left: 0, rowPx: 0 });
  const size = useRef<Size>({ width: 0, height: 0 });
  const colors = useRef<Colors>(undefined);
  /** what the picture was last drawn for */
  const drawn = useRef<{ layout: Layout; size: Size }>(undefined);
  const frame = useRef<number>(undefined);
  const latest = useRef<() => void>(() => undefined);
  useEffect(() => {
    latest.current = () => {
      const context = element?.getContext('2d', { alpha: false });
      if (!element || !context || size.current.width === 0) return;
      const ratio = devicePixelRatio;
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      colors.current ??= colorsOf(element);
      // leases that arrive while the whole tree is shown are shown as well
      const { layout: before, size: room } = drawn.current ?? {};
      const wasWhole = before && room && isWhole(view.current, before, room);
      const isOther = before !== layout || room !== size.current;
      view.current = wasWhole && isOther ? wholeView(layout, size.current) : within(view.current, layout, size.current);
      drawn.current = { layout, size: size.current };
      draw(context, layout, view.current, size.current, colors.current, { chosen, under }, (lease) => {
        const grant = grants[lease];
        const run = grant && runs.get(grant.runId);
        const task = visibleText((run?.task ?? run?.agent.instance ?? '').slice(0, TEXT_MAX));
        const status = grant && toneOf(grant) !== 'good' ? statusText(grant) : undefined;
        return {
          name: visibleText(run?.agent.class ?? ''),
          more: [status, task].filter((part) => part !== undefined && part !== '').join(' · '),
        };
      });
    };
    request();
  });
  const request = useCallback((): void => {
    frame.current ??= requestAnimationFrame(() => {
      frame.current = undefined;
      latest.current();
    });
  }, []);
  const change = useCallback(
    (next: View): void => {
      view.current = within(next, layout, size.current);
      request();
    },
    [layout, request],
  );
  const zoom = useCallback(
    (by: number, atPx = size.current.height / 2) => change(zoomed(view.current, by, atPx, layout, size.current)),
    [change, layout],
  );
  const pan = useCallback(
    (x: number, y: number) => {
      const { left, top, rowPx } = view.current;
      change({ rowPx, left: left + x, top: top + y / rowPx });
    },
    [change],
  );
  useEffect(() => {
    if (!element) return undefined;
    const onResize = (): void => {
      const isFirst = size.current.width === 0;
      size.current = { width: element.clientWidth, height: element.clientHeight };
      element.width = Math.round(size.current.width * devicePixelRatio);
      element.height = Math.round(size.current.height * devicePixelRatio);
      if (isFirst) view.current = wholeView(layout, size.current);
      latest.current();
    };
    const onTheme = (): void => {
      colors.current = undefined;
      request();
    };
    const resized = new ResizeObserver(onResize);
    resized.observe(element);
    const themed = new MutationObserver(onTheme);
    themed.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] });
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    scheme.addEventListener('change', onTheme);
    return () => {
      resized.disconnect();
      themed.disconnect();
      scheme.removeEventListener('change', onTheme);
    };
  }, [element, layout, request]);
  useEffect(() => {
    if (!element) return undefined;
    // the page scrolls as usual while the picture has nothing more to show in that direction
    const onWheel = (event: WheelEvent): void => {
      const before = view.current;
      if (event.ctrlKey || event.metaKey) zoom(Math.exp(-event.deltaY / 240), event.offsetY);
      else pan(event.deltaX, event.deltaY);
      if (view.current.top !== before.top || view.current.left !== before.left || event.ctrlKey) event.preventDefault();
    };
    element.addEventListener('wheel', onWheel, { passive: false });
    return () => element.removeEventListener('wheel', onWheel);
  }, [element, pan, zoom]);
  return {
    canvas: setElement,
    pan,
    zoom,
    whole: () => change(wholeView(layout, size.current)),
    blockAt: (x, y) => blockAt(layout, view.current, size.current, x, y),
  };
}

/** The colors of the theme, which the styles of the page state. */
function colorsOf(element: HTMLElement): Colors {
  const probe = document.createElement('span');
  element.parentElement?.append(probe);
  const colorOf = (name: string): string => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  const tone = (name: string): { fill: string; edge: string } => ({
    fill: colorOf(`${name}-soft`),
    edge: colorOf(name),
  });
  const colors: Colors = {
    paper: colorOf('panel'),
    ink: colorOf('ink'),
    soft: colorOf('ink-soft'),
    line: colorOf('line'),
    focus: colorOf('focus'),
    font: getComputedStyle(document.body).fontFamily,
    of: {
      good: tone('good'),
      wait: tone('wait'),
      bad: tone('bad'),
      idle: { fill: colorOf('idle-soft'), edge: colorOf('line-strong') },
    },
  };
  probe.remove();
  return colors;
}
