import { useEffect, useMemo, useRef, useState, type ReactNode } from 'react';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useVirtualizer } from '@tanstack/react-virtual';
import { Bell, TriangleAlert } from 'lucide-react';
import type { ApprovalView } from '@bailiwick/contracts/queries/query';
import { usePendingApprovals } from '../../api/queries';
import { nowMs } from '../../clock';
import { AgentText } from '../../parts/agent-text';
import { costs, Risk } from '../../parts/marks';
import { Empty, Failed, Loading } from '../../parts/states';
import { Left } from '../../parts/when';
import { hasOneOf, useCaller } from '../../session/session';
import { T } from '../../texts';
import { ApprovalCard } from './approval-card';
import type { Answered } from './answer';
import { isTyping } from './is-typing';

const FAST_COUNT = 5;
const FAST_MS = 60_000;
const ITEM_PX = 92;

/** The inbox: the questions on one side, the chosen one as a card on the other. */
export function ApprovalsPage(): ReactNode {
  const { id } = useSearch({ from: '/approvals' });
  const navigate = useNavigate({ from: '/approvals' });
  const session = useCaller();
  const pending = usePendingApprovals();
  const [answered, setAnswered] = useState<readonly (Answered & { at: number })[]>([]);
  const items = useMemo(
    () => [...(pending.data?.items ?? [])].sort((a, b) => a.expiresAt.localeCompare(b.expiresAt)),
    [pending.data],
  );
  const at = Math.max(
    0,
    items.findIndex((each) => each.id === id),
  );
  const chosen = items[at];
  const choose = (next: ApprovalView | undefined): void => void navigate({ search: { id: next?.id }, replace: true });
  useMoveKeys((step) => choose(items[Math.min(items.length - 1, Math.max(0, at + step))]));
  const mayAnswer = hasOneOf(session, ['approver']);
  const fast =
    answered.filter((each) => each.verdict === 'approve' && nowMs() - each.at < FAST_MS).length >= FAST_COUNT;

  if (pending.isPending)
    return (
      <div className="page">
        <Loading />
      </div>
    );
  if (pending.error)
    return (
      <div className="page">
        <Failed error={pending.error} retry={() => void pending.refetch()} />
      </div>
    );
  return (
    <div className="page">
      <header className="page-head">
        <h1>{T.approvals.title}</h1>
        <p className="muted">{mayAnswer ? T.approvals.lead : T.approvals.onlyView}</p>
      </header>
      {fast && (
        <p className="notice notice-wait" role="alert">
          <TriangleAlert aria-hidden size={18} /> {T.approvals.fast}
        </p>
      )}
      <div role="status" className="toast-place">
        {answered.slice(0, 1).map(({ verdict, asks, at: time }) => (
          <p key={time} className={verdict === 'gone' ? 'toast toast-wait' : 'toast'}>
            <strong>{T.approvals.done[verdict]}</strong> <AgentText>{asks}</AgentText>
          </p>
        ))}
      </div>
      {chosen === undefined ? (
        <Empty title={T.approvals.emptyTitle} icon={Bell}>
          {T.approvals.empty}
        </Empty>
      ) : (
        <div className="inbox">
          <List items={items} at={at} onChoose={choose} />
          <ApprovalCard
            key={chosen.id}
            approval={chosen}
            mayAnswer={mayAnswer}
            onAnswered={(answer) => {
              setAnswered([{ ...answer, at: nowMs() }, ...answered]);
              choose(items[at + 1] ?? items[at - 1]);
            }}
          />
        </div>
      )}
    </div>
  );
}

/** J and K move through the list, unless a text is being typed. */
function useMoveKeys(move: (step: number) => void): void {
  const latest = useRef(move);
  useEffect(() => {
    latest.current = move;
  });
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (isTyping(event)) return;
      if (event.key === 'j') latest.current(1);
      if (event.key === 'k') latest.current(-1);
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);
}

function List({
  items,
  at,
  onChoose,
}: {
  items: readonly ApprovalView[];
  at: number;
  onChoose: (item: ApprovalView) => void;
}): ReactNode {
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: items.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ITEM_PX,
    overscan: 6,
  });
  useEffect(() => virtual.scrollToIndex(at), [at, virtual]);
  return (
    <nav className="panel inbox-list" aria-label={T.approvals.list}>
      <div className="inbox-scroll" ref={scroller}>
        <ul style={{ height: virtual.getTotalSize() }} className="inbox-items">
          {virtual.getVirtualItems().map(({ index, start }) => {
            const item = items[index];
            if (!item) return null;
            return (
              <li
                key={item.id}
                style={{ transform: `translateY(${start}px)`, height: ITEM_PX }}
                aria-setsize={items.length}
                aria-posinset={index + 1}
              >
                <button type="button" className="inbox-item" aria-current={index === at} onClick={() => onChoose(item)}>
                  <span className="inbox-item-head">
                    <strong className="clamp-1">
                      <AgentText>{item.agentClass}</AgentText>
                    </strong>
                    <Left until={item.expiresAt} />
                  </span>
                  <span className="clamp-1">
                    <AgentText>{wantOf(item)}</AgentText>
                  </span>
                  <span className="inbox-item-head">
                    <Risk tier={item.irreversible ? 'irreversible' : item.risk} />
                    <span className="num muted">{costs(item.action?.cost, '')}</span>
                  </span>
                </button>
              </li>
            );
          })}
        </ul>
      </div>
      <p className="muted small inbox-keys">{T.approvals.keys}</p>
    </nav>
  );
}

/** What an approval is about, in as few characters as possible. */
export const wantOf = ({ action, kind }: ApprovalView): string =>
  action ? `${action.verb} · ${action.resource.id}` : (T.approvals.kind[kind] ?? kind);
