import { useEffect, useState, type SubmitEvent, type ReactNode } from 'react';
import { keepPreviousData, useMutation, useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { Octagon, OctagonX } from 'lucide-react';
import { post, Problem } from '../../api/client';
import { useLiveRuns } from '../../api/queries';
import type { Preview } from '../../api/shapes';
import { AgentText } from '../../parts/agent-text';
import { costs } from '../../parts/marks';
import { Empty, Failed } from '../../parts/states';
import { T } from '../../texts';
import { Stopped } from './stopped';

const FIELDS = [
  'agentClass',
  'agentInstance',
  'modelVersion',
  'principal',
  'purpose',
  'tool',
  'treeId',
  'issuedBefore',
] as const;
type Field = (typeof FIELDS)[number];
type Selector = Readonly<Partial<Record<Field, string>>>;
const TYPING_MS = 250;
const COUNTS = ['grants', 'runs', 'trees', 'agents', 'inFlight', 'pendingApprovals'] as const;

/** Stops everything that a selector matches, after its blast radius was seen. */
export function IncidentPage(): ReactNode {
  const search = useSearch({ from: '/incident' });
  const navigate = useNavigate({ from: '/incident' });
  const open = (revocation: string | undefined): void =>
    void navigate({ search: revocation === undefined ? {} : { revocation } });
  return (
    <div className="page">
      <header className="page-head">
        <h1>{T.incident.title}</h1>
        <p className="muted">{T.incident.lead}</p>
      </header>
      {search.revocation === undefined ? (
        <Builder onStopped={open} />
      ) : (
        <Stopped id={search.revocation} onAgain={() => open(undefined)} />
      )}
    </div>
  );
}

function Builder({ onStopped }: { onStopped: (revocation: string) => void }): ReactNode {
  const search = useSearch({ from: '/incident' });
  const navigate = useNavigate({ from: '/incident' });
  const [target, setTarget] = useState<'tool' | 'leases'>('tool');
  const [quarantine, setQuarantine] = useState(false);
  const selector = selectorOf(search);
  const isEmpty = Object.keys(selector).length === 0;
  const asked = useSettled(
    JSON.stringify({
      selector,
      ...(selector.tool === undefined ? {} : { target }),
      ...(quarantine ? { quarantine } : {}),
    }),
  );
  const preview = useQuery({
    queryKey: ['preview', asked],
    enabled: !isEmpty && !asked.startsWith('{"selector":{}'),
    queryFn: () => post<Preview>('/v1/revocations/preview', JSON.parse(asked)),
    placeholderData: keepPreviousData,
    refetchInterval: 5_000,
    retry: false,
  });
  const set = (field: Field, value: string): void =>
    void navigate({ search: (now) => ({ ...now, [field]: value === '' ? undefined : value }), replace: true });
  return (
    <div className="incident">
      <section className="panel" aria-labelledby="selector">
        <h2 id="selector">{T.incident.selector}</h2>
        <p className="muted small">{T.incident.all}</p>
        <div className="selector">
          {FIELDS.map((field) => (
            <SelectorField
              key={field}
              field={field}
              value={search[field] ?? ''}
              onChange={(value) => set(field, value)}
            />
          ))}
        </div>
        <Suggestions />
        {selector.tool !== undefined && (
          <fieldset className="scope">
            <legend>{T.incident.target}</legend>
            {(['tool', 'leases'] as const).map((each) => (
              <label key={each} className="radio">
                <input type="radio" name="target" checked={target === each} onChange={() => setTarget(each)} />
                {T.incident.targets[each]}
              </label>
            ))}
          </fieldset>
        )}
        <label className="check">
          <input type="checkbox" checked={quarantine} onChange={({ target: box }) => setQuarantine(box.checked)} />
          {T.incident.quarantine}
        </label>
        <p className="muted small">{T.incident.suspendOne}</p>
      </section>
      <section className="panel radius" aria-labelledby="radius">
        <h2 id="radius">{T.incident.radius}</h2>
        {isEmpty ? (
          <Empty title={T.incident.radiusEmpty} icon={Octagon} />
        ) : preview.error ? (
          <Failed error={preview.error} />
        ) : preview.data ? (
          <>
            <Radius preview={preview.data} />
            <Confirm
              key={asked}
              preview={preview.data}
              asked={asked}
              quarantine={quarantine}
              onGrew={() => void preview.refetch()}
              onStopped={onStopped}
            />
          </>
        ) : null}
      </section>
    </div>
  );
}

/** The filled fields; a time is sent in UTC. */
function selectorOf(search: Readonly<Record<string, string | undefined>>): Selector {
  return Object.fromEntries(
    FIELDS.flatMap((field): [Field, string][] => {
      const value = search[field]?.trim();
      if (value === undefined || value === '') return [];
      if (field !== 'issuedBefore') return [[field, value]];
      const time = new Date(value);
      return Number.isNaN(time.getTime()) ? [] : [[field, time.toISOString()]];
    }),
  );
}

/** A value once it has not changed for a moment. */
function useSettled(value: string): string {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), TYPING_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}

function SelectorField({
  field,
  value,
  onChange,
}: {
  field: Field;
  value: string;
  onChange: (value: string) => void;
}): ReactNode {
  return (
    <label className="field">
      {T.incident.fields[field]}
      <input
        type={field === 'issuedBefore' ? 'datetime-local' : 'text'}
        list={
          field === 'agentClass' || field === 'agentInstance' || field === 'principal' || field === 'modelVersion'
            ? `known-${field}`
            : undefined
        }
        placeholder={T.incident.hints[field]}
        spellCheck={false}
        autoComplete="off"
        value={value}
        onChange={({ target }) => onChange(target.value)}
      />
    </label>
  );
}

/** What live runs have in the fields, to choose from. */
function Suggestions(): ReactNode {
  const runs = useLiveRuns().data?.items ?? [];
  const known: Readonly<Record<string, readonly (string | null | undefined)[]>> = {
    agentClass: runs.map(({ agent }) => agent.class),
    agentInstance: runs.map(({ agent }) => agent.instance),
    principal: runs.map(({ requestedBy }) => requestedBy),
    modelVersion: runs.map(({ agent }) => agent.posture?.modelVersion),
  };
  return Object.entries(known).map(([field, values]) => (
    <datalist key={field} id={`known-${field}`}>
      {[...new Set(values)].map((value) => (value ? <option key={value} value={value} /> : null))}
    </datalist>
  ));
}

function Radius({ preview: { counts, byClass, sample } }: { preview: Preview }): ReactNode {
  const classes = Object.entries(byClass).sort(([, a], [, b]) => b - a);
  const most = Math.max(1, ...classes.map(([, count]) => count));
  return (
    <>
      <dl className="figures figures-radius" aria-live="polite">
        {COUNTS.map((name) => (
          <div key={name} className={name === 'grants' && counts.grants > 0 ? 'figure figure-loud' : 'figure'}>
            <dt>{T.incident.counts[name]}</dt>
            <dd className="num">{counts[name].toLocaleString()}</dd>
          </div>
        ))}
      </dl>
      {Object.keys(counts.reservedCost).length > 0 && (
        <p>
          {T.incident.reserved}: <strong className="num">{costs(counts.reservedCost)}</strong>
        </p>
      )}
      {classes.length > 0 && (
        <>
          <h3>{T.incident.byClass}</h3>
          <ul className="bars">
            {classes.slice(0, 8).map(([name, count]) => (
              <li key={name}>
                <span className="clamp-1">
                  <AgentText>{name}</AgentText>
                </span>
                <span className="bars-track" aria-hidden>
                  <span style={{ width: `${(count / most) * 100}%` }} />
                </span>
                <span className="num">{count.toLocaleString()}</span>
              </li>
            ))}
          </ul>
        </>
      )}
      {sample.length > 0 && (
        <details>
          <summary>{T.incident.sample}</summary>
          <ul className="plain small">
            {sample.slice(0, 10).map(({ grantId, agentClass }) => (
              <li key={grantId}>
                <AgentText>{agentClass}</AgentText> <code>{grantId}</code>
              </li>
            ))}
          </ul>
        </details>
      )}
      {counts.grants === 0 && counts.pendingRuns === 0 && <p className="muted">{T.incident.none}</p>}
    </>
  );
}

interface ConfirmProps {
  readonly preview: Preview;
  readonly asked: string;
  readonly quarantine: boolean;
  readonly onGrew: () => void;
  readonly onStopped: (revocation: string) => void;
}

/** The person types the number that they saw, so that a revocation of another set is not confirmed by habit. */
function Confirm({ preview, asked, quarantine, onGrew, onStopped }: ConfirmProps): ReactNode {
  const [reason, setReason] = useState('');
  const [typed, setTyped] = useState('');
  const count = preview.counts.grants;
  const stop = useMutation({
    mutationFn: () =>
      post<{ revocationId: string }>('/v1/revocations', {
        ...(JSON.parse(asked) as object),
        reason,
        digest: preview.digest,
      }),
    onSuccess: ({ revocationId }) => onStopped(revocationId),
    onError: (error) => {
      if (!(error instanceof Problem) || error.code !== 'BLAST_RADIUS_GREW') return;
      setTyped('');
      onGrew();
    },
  });
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    stop.mutate();
  };
  if (count === 0 && preview.counts.pendingRuns === 0 && !quarantine) return null;
  const grew = stop.error instanceof Problem && stop.error.code === 'BLAST_RADIUS_GREW';
  return (
    <form className="confirm" onSubmit={submit}>
      <label className="field">
        {T.incident.reason}
        <input required maxLength={500} value={reason} onChange={({ target }) => setReason(target.value)} />
      </label>
      <p className="small">{T.incident.confirm}</p>
      <div className="actions">
        <label className="field field-inline">
          {T.incident.confirmLabel(count)}
          <input
            inputMode="numeric"
            autoComplete="off"
            size={8}
            value={typed}
            onChange={({ target }) => setTyped(target.value)}
          />
        </label>
        <button
          type="submit"
          className="button button-bad-solid"
          disabled={typed.trim() !== String(count) || reason.trim() === '' || stop.isPending}
        >
          <OctagonX aria-hidden size={16} /> {count === 0 ? T.incident.revokeQuarantine : T.incident.revoke(count)}
        </button>
      </div>
      {grew ? (
        <p className="notice notice-wait" role="alert">
          {T.incident.grew}
        </p>
      ) : (
        stop.error && <Failed error={stop.error} />
      )}
    </form>
  );
}
