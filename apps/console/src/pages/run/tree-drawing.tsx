import { useMemo, useRef, useState, type KeyboardEvent, type PointerEvent, type ReactNode } from 'react';
import { Maximize, ZoomIn, ZoomOut } from 'lucide-react';
import type { GrantView, RunView } from '@bailiwick/contracts/grants/grant';
import { AgentText } from '../../parts/agent-text';
import { T } from '../../texts';
import { layOut, TONES, type Block, type Layout, type Tone } from './tree-layout';
import { MAX_ROW_PX } from './tree-picture';
import { onKeys, statusText, toneOf, useRunsById, type TreeViewProps } from './tree-view';
import { usePicture } from './use-picture';

const HEIGHT_MAX = 440;
const HEIGHT_MIN = 92;
const STEP_PX = 56;
const ZOOM = 1.5;
const DRAG_PX = 4;

/** The lease tree as a picture: what it looks like as a whole, for a tree of any size. The grid below has the details. */
export function TreeDrawing({ tree, chosen, onChoose }: TreeViewProps): ReactNode {
  const layout = useMemo(
    () => layOut(tree.grants.map((grant) => ({ id: grant.id, parentId: grant.parentId, tone: toneOf(grant) }))),
    [tree.grants],
  );
  const runs = useRunsById(tree);
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
  const onKey = (event: KeyboardEvent): void =>
    onKeys(event, {
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
    });
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
