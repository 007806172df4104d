import type { ReactNode } from 'react';
import { useQuery } from '@tanstack/react-query';
import { ArrowDown, ArrowUp, ArrowUpDown, Minus, type LucideIcon } from 'lucide-react';
import type {
  ApprovalChange,
  CatalogChange,
  Meaning as Meant,
  PolicyDiffAnswer,
} from '@bailiwick/contracts/policy/policy-diff';
import { post } from '../../api/client';
import { AgentText } from '../../parts/agent-text';
import { Failed } from '../../parts/states';
import { T } from '../../texts';
import type { Bundle } from './bundle-diff';

type Direction = CatalogChange['direction'];
const LOOKS: Readonly<Record<Direction, readonly [string, LucideIcon]>> = {
  milder: ['tag-bad', ArrowDown],
  mixed: ['tag-wait', ArrowUpDown],
  stricter: ['tag-good', ArrowUp],
  other: ['tag-idle', Minus],
};
const SHOWN = 60;

/** What the bundle of a version means compared with another version. The tests of the bundle are not run again. */
const useMeaning = (version: number, against: string, bundle: Bundle) =>
  useQuery({
    queryKey: ['policies', 'meaning', version, against],
    queryFn: ({ signal }) => {
      const { tests: _, ...rules } = bundle;
      const body = { bundle: { 'version.yaml': JSON.stringify(rules) }, against: Number(against), last: 1 };
      return post<PolicyDiffAnswer>('/v1/policies/diff', body, signal);
    },
    staleTime: Infinity, // versions do not change
    retry: false,
  });

/** Which changes are milder, so that agents may do more alone, and which are stricter. */
export function Meaning({ version, against, bundle }: { version: number; against: string; bundle: Bundle }): ReactNode {
  const meaning = useMeaning(version, against, bundle);
  const m = T.policy.meaning;
  if (meaning.error) return <Failed error={meaning.error} retry={() => void meaning.refetch()} />;
  if (!meaning.data)
    return (
      <p className="muted" role="status">
        {m.working}
      </p>
    );
  const { approvals, catalog } = meaning.data.changes;
  const counts = (Object.keys(LOOKS) as Direction[]).map(
    (direction) =>
      [
        direction,
        (catalog.counts[direction] ?? 0) + approvals.filter((each) => each.direction === direction).length,
      ] as const,
  );
  const total = counts.reduce((sum, [, count]) => sum + count, 0);
  const items: readonly (ApprovalChange | CatalogChange)[] = [...approvals, ...catalog.items].sort(
    (a, b) => rank(a.direction) - rank(b.direction),
  );
  return (
    <section className="meaning" aria-labelledby="meaning">
      <h3 id="meaning">{m.title}</h3>
      {total === 0 ? (
        <p className="muted">{m.same}</p>
      ) : (
        <>
          <p className="chips">
            {counts.map(
              ([direction, count]) =>
                count > 0 && (
                  <Mark key={direction} of={direction}>
                    {m.counts[direction](count)}
                  </Mark>
                ),
            )}
          </p>
          <ul className="policy-entries">
            {items.slice(0, SHOWN).map((each) => (
              <li key={'about' in each ? `${each.about} ${each.name}` : each.name}>
                <Mark of={each.direction}>{m.directions[each.direction]}</Mark>
                <strong className="mono">
                  <AgentText>{each.name === '*' ? m.section : each.name}</AgentText>
                </strong>
                <span className="meaning-parts">
                  {'about' in each ? <Change of={each} /> : <AgentText>{each.says.join('; ')}</AgentText>}
                </span>
              </li>
            ))}
          </ul>
          {total > Math.min(SHOWN, items.length) && (
            <p className="muted small">{m.first(Math.min(SHOWN, items.length), total)}</p>
          )}
        </>
      )}
    </section>
  );
}

const rank = (direction: Direction): number => Object.keys(LOOKS).indexOf(direction);

/** A direction as a word with a sign: color is never the only difference. */
function Mark({ of, children }: { of: Direction; children: ReactNode }): ReactNode {
  const [tone, Icon] = LOOKS[of];
  return (
    <span className={`tag ${tone}`}>
      <Icon aria-hidden size={13} strokeWidth={2.4} />
      {children}
    </span>
  );
}

/** What a verb or tool counted as, and what it counts as now: only what differs. */
function Change({ of: { about, change, before, after, members } }: { of: CatalogChange }): ReactNode {
  const m = T.policy.meaning;
  if (!before || !after) return `${m.abouts[about]} · ${T.policy.compare.kinds[change]}`;
  const [was, is] = [textsOf(before), textsOf(after)];
  const differing = Object.keys({ ...was, ...is }).filter((name) => was[name] !== is[name]);
  if (differing.length === 0) return <span className="muted">{members.join(', ')}</span>;
  return differing.map((name) => (
    <span key={name} className="meaning-change">
      <span className="muted">{m.members[name] ?? name}</span> <AgentText>{was[name] ?? m.none}</AgentText> →{' '}
      <strong>
        <AgentText>{is[name] ?? m.none}</AgentText>
      </strong>
    </span>
  ));
}

function textsOf({ effects, risk, stage, labels, obligations = [], words, verb }: Meant): Record<string, string> {
  const texts = {
    effects: effects.join(', '),
    risk: T.risk[risk] ?? risk,
    stage,
    labels: labels.join(', '),
    obligations: obligations.map((each) => JSON.stringify(each)).join(', '),
    words,
    verb,
  };
  return Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== undefined && text !== '')) as Record<
    string,
    string
  >;
}
