import { useEffect, useMemo, useRef, useState, type KeyboardEvent, type ReactNode } from 'react';
import { useVirtualizer } from '@tanstack/react-virtual';
import { ChevronDown, ChevronRight } from 'lucide-react';
import type { GrantView, RunView } from '@bailiwick/contracts/grants/grant';
import { AgentText } from '../../parts/agent-text';
import { costs, Drift, Meter, Status } from '../../parts/marks';
import { T } from '../../texts';
import { onKeys, statusOf, useRunsById, type TreeViewProps } from './tree-view';

interface Row {
  readonly grant: GrantView;
  readonly run: RunView | undefined;
  readonly level: number;
  readonly below: number;
  readonly isOpen: boolean;
}

const ROW_PX = 40;
/** Larger trees open with their first levels only. */
const OPEN_ALL_MAX = 400;

/** The leases of a tree as a grid of rows, of which only the visible ones are drawn: also for 100,000 leases. */
export function LeaseTree({ tree, chosen, onChoose }: TreeViewProps): ReactNode {
  const [toggled, setToggled] = useState<ReadonlySet<string>>(new Set());
  const opensAll = tree.grants.length <= OPEN_ALL_MAX;
  const isOpen = (id: string, level: number): boolean => (opensAll || level === 1) !== toggled.has(id);
  const children = useMemo(() => childrenOf(tree.grants), [tree.grants]);
  const runs = useRunsById(tree);
  const rows: Row[] = [];
  const roots = useMemo(() => rootsOf(tree.grants), [tree.grants]);
  const stack = roots.map((grant) => ({ grant, level: 1 })).reverse();
  for (let next = stack.pop(); next; next = stack.pop()) {
    const { grant, level } = next;
    const below = children.get(grant.id) ?? [];
    const open = below.length > 0 && isOpen(grant.id, level);
    rows.push({ grant, run: runs.get(grant.runId), level, below: below.length, isOpen: open });
    if (open) for (const child of [...below].reverse()) stack.push({ grant: child, level: level + 1 });
  }
  const scroller = useRef<HTMLDivElement>(null);
  const at = Math.max(
    0,
    rows.findIndex(({ grant }) => grant.id === chosen),
  );
  const [focused, setFocused] = useState(at);
  const hasFocus = useRef(false);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: 12,
  });
  useEffect(() => {
    if (hasFocus.current) scroller.current?.querySelector<HTMLElement>(`[aria-rowindex="${focused + 2}"]`)?.focus();
  }, [focused]);

  const toggle = (id: string): void => {
    const next = new Set(toggled);
    if (!next.delete(id)) next.add(id);
    setToggled(next);
  };
  const move = (to: number): void => {
    const row = Math.min(rows.length - 1, Math.max(0, to));
    virtual.scrollToIndex(row);
    setFocused(row);
  };
  const onKey = (event: KeyboardEvent): void => {
    const row = rows[focused];
    if (!row) return;
    onKeys(event, {
      ArrowDown: () => move(focused + 1),
      ArrowUp: () => move(focused - 1),
      PageDown: () => move(focused + 12),
      PageUp: () => move(focused - 12),
      Home: () => move(0),
      End: () => move(rows.length - 1),
      ArrowRight: () => (row.below > 0 && !row.isOpen ? toggle(row.grant.id) : move(focused + 1)),
      ArrowLeft: () =>
        row.isOpen ? toggle(row.grant.id) : move(rows.findIndex(({ grant }) => grant.id === row.grant.parentId)),
      Enter: () => onChoose(row.grant.id),
      ' ': () => onChoose(row.grant.id),
    });
  };
  const c = T.run.treeColumns;
  return (
    <section className="panel tree" aria-labelledby="lease-tree">
      <header className="panel-head">
        <h2 id="lease-tree">{T.run.tree}</h2>
        <span className="muted small">{T.run.treeHelp}</span>
        {tree.isPartial && <span className="tag tag-wait">{T.run.treeReading(tree.grants.length)}</span>}
      </header>
      <div
        className="treegrid"
        role="treegrid"
        aria-label={T.run.tree}
        aria-rowcount={rows.length + 1}
        onKeyDown={onKey}
      >
        <div role="rowgroup">
          <div role="row" aria-rowindex={1} className="tree-row tree-row-head">
            {[c.agent, c.may, c.spent, c.money, c.drift, c.status].map((name) => (
              <span key={name} role="columnheader">
                {name}
              </span>
            ))}
          </div>
        </div>
        <div className="tree-scroll" ref={scroller} role="rowgroup">
          <div className="tree-canvas" style={{ height: virtual.getTotalSize() }} role="presentation">
            {virtual.getVirtualItems().map((item) => {
              const row = rows[item.index];
              if (!row) return null;
              const { grant, run, level, below } = row;
              return (
                <div
                  key={grant.id}
                  role="row"
                  aria-rowindex={item.index + 2}
                  aria-level={level}
                  aria-expanded={below > 0 ? row.isOpen : undefined}
                  aria-selected={grant.id === chosen}
                  tabIndex={item.index === Math.min(focused, rows.length - 1) ? 0 : -1}
                  className="tree-row"
                  style={{ transform: `translateY(${item.start}px)`, height: item.size }}
                  onFocus={() => {
                    hasFocus.current = true;
                    setFocused(item.index);
                  }}
                  onBlur={() => (hasFocus.current = false)}
                  onClick={() => onChoose(grant.id)}
                >
                  <span role="gridcell" className="tree-name" style={{ paddingLeft: (level - 1) * 18 }}>
                    {below > 0 ? (
                      <span
                        className="twist"
                        aria-hidden
                        onClick={(event) => {
                          event.stopPropagation();
                          toggle(grant.id);
                        }}
                      >
                        {row.isOpen ? <ChevronDown size={15} /> : <ChevronRight size={15} />}
                      </span>
                    ) : (
                      <span className="twist" aria-hidden />
                    )}
                    <strong>
                      <AgentText>{run?.agent.class}</AgentText>
                    </strong>
                    <span className="muted clamp-1">
                      <AgentText>{run?.task ?? run?.agent.instance}</AgentText>
                    </span>
                  </span>
                  <span role="gridcell" className="clamp-1 mono">
                    <AgentText>{grant.limits.actions.allow.join(', ')}</AgentText>
                  </span>
                  <span role="gridcell">
                    <Meter
                      used={grant.consumed.calls}
                      cap={grant.limits.budget.calls}
                      label={T.run.budgetOf.calls ?? ''}
                    />
                  </span>
                  <span role="gridcell" className="num">
                    {costs(grant.consumed.cost)}
                  </span>
                  <span role="gridcell">
                    <Drift value={run?.drift} />
                  </span>
                  <span role="gridcell">
                    <Status of={statusOf(grant)} />
                  </span>
                </div>
              );
            })}
          </div>
        </div>
      </div>
    </section>
  );
}

/** A lease whose parent has not been read yet is shown as a root. */
function rootsOf(grants: readonly GrantView[]): GrantView[] {
  const ids = new Set(grants.map(({ id }) => id));
  return grants.filter(({ parentId }) => parentId === undefined || !ids.has(parentId));
}

function childrenOf(grants: readonly GrantView[]): Map<string, GrantView[]> {
  const children = new Map<string, GrantView[]>();
  for (const grant of grants) {
    if (grant.parentId === undefined) continue;
    const siblings = children.get(grant.parentId);
    if (siblings) siblings.push(grant);
    else children.set(grant.parentId, [grant]);
  }
  return children;
}
