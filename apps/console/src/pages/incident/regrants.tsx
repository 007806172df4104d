import { useState, type ReactNode, type SubmitEvent } from 'react';
import { useInfiniteQuery, useMutation } from '@tanstack/react-query';
import { Undo2 } from 'lucide-react';
import { COUNTERS, type Limits } from '@bailiwick/contracts/grants/grant';
import type { RegrantProposal, RegrantsAnswer } from '@bailiwick/contracts/revocations/regrants';
import { LIMITS } from '@bailiwick/core/limits';
import { get, post } from '../../api/client';
import { AgentText } from '../../parts/agent-text';
import { Columns } from '../../parts/columns';
import { costs, Id } from '../../parts/marks';
import { Empty, Failed, Loading } from '../../parts/states';
import { When } from '../../parts/when';
import { hasOneOf, useCaller } from '../../session/session';
import { T } from '../../texts';
import { Asked, type Opened } from './regrants-asked';

const pathOf = (id: string): string => `/v1/revocations/${encodeURIComponent(id)}/regrants`;

/** Whether a lease can be chosen: it can be granted again, and was not yet. */
const isOpen = ({ proposed, regrantedAs }: RegrantProposal): boolean =>
  proposed !== undefined && regrantedAs === undefined;

/** What the root leases that a revocation ended could get again. A person chooses, and another approves each. */
export function Regrants({ id }: { id: string }): ReactNode {
  const [end, setEnd] = useState('');
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const time = end === '' ? undefined : new Date(end).toISOString();
  const proposals = useInfiniteQuery({
    queryKey: ['revocation', 'regrants', id, time], // the ledger writes what it lists, and events change it
    queryFn: ({ pageParam, signal }) =>
      get<RegrantsAnswer>(pathOf(id), { after: pageParam, limit: LIMITS.regrantsPage, expiresAt: time }, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ next }) => next ?? undefined,
    meta: { restMs: 5_000 },
  });
  const items = proposals.data?.pages.flatMap((page) => page.items) ?? [];
  const delegated = proposals.data?.pages.reduce((sum, page) => sum + page.delegated, 0) ?? 0;
  const wanted = items.filter((each) => isOpen(each) && chosen.has(each.grantId)).map(({ grantId }) => grantId);
  const [asked, setAsked] = useState<readonly Opened[]>([]);
  const ask = useMutation({
    mutationFn: async () => {
      // one request takes a page of them; what was asked for stays shown if a later request fails
      for (let at = 0; at < wanted.length; at += LIMITS.regrantsPage) {
        const accept = wanted.slice(at, at + LIMITS.regrantsPage);
        const body = { accept, ...(time === undefined ? {} : { expiresAt: time }) };
        const { items: opened } = await post<{ items: Opened[] }>(pathOf(id), body);
        setAsked((before) => [...before, ...opened]);
      }
    },
    onSettled: () => {
      setChosen(new Set());
      void proposals.refetch();
    },
  });
  const r = T.incident.regrants;
  const choose = (ids: readonly string[], isOn: boolean): void =>
    setChosen((now) => new Set(isOn ? [...now, ...ids] : [...now].filter((each) => !ids.includes(each))));
  return (
    <section className="panel no-print" aria-labelledby="regrants">
      <h2 id="regrants">{r.title}</h2>
      <p className="muted small">{r.lead}</p>
      {proposals.error && <Failed error={proposals.error} retry={() => void proposals.refetch()} />}
      {proposals.isPending && <Loading />}
      {proposals.data && items.length === 0 && <Empty title={r.empty}>{r.emptyHow}</Empty>}
      {items.length > 0 && <Proposals of={items} chosen={chosen} onChoose={choose} />}
      {delegated > 0 && <p className="muted small">{r.delegated(delegated)}</p>}
      {proposals.hasNextPage && (
        <button
          type="button"
          className="button"
          disabled={proposals.isFetchingNextPage}
          onClick={() => void proposals.fetchNextPage()}
        >
          {T.more}
        </button>
      )}
      {(items.length > 0 || end !== '') && (
        <Ask end={end} onEnd={setEnd} count={wanted.length} isPending={ask.isPending} onAsk={() => ask.mutate()} />
      )}
      {ask.error && <Failed error={ask.error} />}
      {asked.length > 0 && <Asked of={asked} />}
    </section>
  );
}

function Ask({
  end,
  onEnd,
  count,
  isPending,
  onAsk,
}: {
  end: string;
  onEnd: (end: string) => void;
  count: number;
  isPending: boolean;
  onAsk: () => void;
}): ReactNode {
  const mayAsk = hasOneOf(useCaller(), ['orchestrator']);
  const r = T.incident.regrants;
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    onAsk();
  };
  return (
    <form className="confirm" onSubmit={submit}>
      <label className="field field-inline">
        {r.end}
        <input type="datetime-local" value={end} onChange={({ target }) => onEnd(target.value)} />
      </label>
      {mayAsk ? (
        <p className="actions">
          <button type="submit" className="button button-primary" disabled={count === 0 || isPending}>
            <Undo2 aria-hidden size={16} /> {r.ask(count)}
          </button>
        </p>
      ) : (
        <p className="small">{r.role}</p>
      )}
    </form>
  );
}

function Proposals({
  of,
  chosen,
  onChoose,
}: {
  of: readonly RegrantProposal[];
  chosen: ReadonlySet<string>;
  onChoose: (ids: readonly string[], isOn: boolean) => void;
}): ReactNode {
  const r = T.incident.regrants;
  const c = r.columns;
  const open = of.filter(isOpen).map(({ grantId }) => grantId);
  const areAll = open.length > 0 && open.every((each) => chosen.has(each));
  return (
    <>
      {open.length > 0 && (
        <label className="check">
          <input type="checkbox" checked={areAll} onChange={({ target }) => onChoose(open, target.checked)} />
          {r.all(open.length)}
        </label>
      )}
      <table className="table table-cards">
        <Columns of={[c.lease, c.principal, c.used, c.proposed, c.until]} />
        <tbody>
          {of.map((each) => (
            <tr key={each.grantId}>
              <th scope="row">
                <Lease of={each} isChosen={chosen.has(each.grantId)} onChoose={onChoose} />
              </th>
              <td data-label={c.principal}>
                {each.requestedBy === null ? r.erased : <AgentText>{each.requestedBy}</AgentText>}
              </td>
              <td data-label={c.used}>{capsText(each.used)}</td>
              <td data-label={c.proposed}>
                <Outcome of={each} />
              </td>
              <td data-label={c.until}>{each.proposed ? <When at={each.proposed.time.expiresAt} /> : '–'}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

function Lease({
  of,
  isChosen,
  onChoose,
}: {
  of: RegrantProposal;
  isChosen: boolean;
  onChoose: (ids: readonly string[], isOn: boolean) => void;
}): ReactNode {
  const label = (
    <>
      <AgentText>{of.agent.class}</AgentText> <Id>{of.grantId}</Id>
    </>
  );
  if (!isOpen(of)) return label;
  return (
    <label className="check">
      <input type="checkbox" checked={isChosen} onChange={({ target }) => onChoose([of.grantId], target.checked)} />
      <span>{label}</span>
    </label>
  );
}

/** What a lease would get, or why it gets nothing. */
function Outcome({ of: { proposed, whyNot, regrantedAs } }: { of: RegrantProposal }): ReactNode {
  const r = T.incident.regrants;
  if (regrantedAs !== undefined)
    return (
      <>
        {r.again} <Id>{regrantedAs}</Id>
      </>
    );
  if (proposed) return capsText(proposed.budget);
  return (
    <>
      <strong>{r.not}</strong> <AgentText>{whyNot ?? r.nothingLeft}</AgentText>
    </>
  );
}

type Amounts = Pick<Limits['budget'], (typeof COUNTERS)[number] | 'cost' | 'units'>;

/** Each cap, or amount, that is not zero. */
function capsText({ cost, units = {}, ...counts }: Amounts): string {
  const r = T.incident.regrants;
  const parts = [
    ...COUNTERS.flatMap((each) => (counts[each] > 0 ? [r.counted[each](counts[each])] : [])),
    costs(cost, ''),
    ...Object.entries(units).map(([unit, count]) => `${count.toLocaleString()} ${unit}`),
  ].filter((each) => each !== '');
  return parts.join(', ') || r.nothing;
}
