import { useCallback, useEffect, useRef, useState } from 'react';
import type { GrantView, RunView } from '@bailiwick/contracts/grants/grant';
import { visibleText } from '../../parts/agent-text';
import { type Block, type Layout } from './tree-layout';
import { blockAt, draw, isWhole, wholeView, within, zoomed, type Colors, type Size, type View } from './tree-picture';
import { statusText, toneOf } from './tree-view';

/** characters of a text that are drawn at most */
const TEXT_MAX = 120;

export interface Picture {
  readonly canvas: (element: HTMLCanvasElement | null) => void;
  readonly pan: (x: number, y: number) => void;
  readonly zoom: (by: number, atPx?: number) => void;
  readonly whole: () => void;
  readonly blockAt: (x: number, y: number) => Block | undefined;
}

/** Draws at most once per frame, when something that is visible has changed. */
export function usePicture(
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
