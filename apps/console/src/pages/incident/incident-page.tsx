import { useEffect, useState, type ReactNode } from 'react';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { Octagon } from 'lucide-react';
import type { PreviewView } from '@bailiwick/contracts/queries/query';
import { post } from '../../api/client';
import { Empty, Failed } from '../../parts/states';
import { T } from '../../texts';
import { Confirm, type Mode, type Note } from './confirm';
import { InForce } from './in-force';
import { FindIncident, OfIncident } from './of-incident';
import { Radius } from './radius';
import { classesOf, namesVerb, selectorOf } from './selector';
import { SelectorForm } from './selector-form';
import { Stopped } from './stopped';

const TYPING_MS = 250;
const TARGETS = ['tool', 'leases'] as const;
type Target = (typeof TARGETS)[number];
const MODES = ['revoke', 'suspend'] as const;

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
        <>
          <FindIncident
            value={search.incident ?? ''}
            onFind={(incident) => void navigate({ search: (now) => ({ ...now, incident }) })}
          />
          {search.incident !== undefined && <OfIncident incident={search.incident} />}
          <InForce />
          <Builder onStopped={open} />
        </>
      ) : (
        <Stopped id={search.revocation} onAgain={() => open(undefined)} />
      )}
    </div>
  );
}

function Builder({ onStopped }: { onStopped: (revocation: string) => void }): ReactNode {
  const search = useSearch({ from: '/incident' });
  const navigate = useNavigate({ from: '/incident' });
  const [quarantine, setQuarantine] = useState(false);
  const [note, setNote] = useState<Note>({ reason: '', incident: '' });
  const { selector, faults } = selectorOf(search);
  const target: Target = search.target === 'leases' ? 'leases' : 'tool';
  const mode: Mode = search.mode === 'suspend' ? 'suspend' : 'revoke';
  const [hours, setHours] = useState('');
  const isEmpty = Object.keys(selector).length === 0;
  const body = JSON.stringify({
    selector,
    ...(namesVerb(selector) ? { target } : {}),
    ...(quarantine ? { quarantine } : {}),
  });
  const asked = useSettled(body);
  const preview = useQuery({
    queryKey: ['preview', asked],
    enabled: !isEmpty && faults.length === 0 && !asked.startsWith('{"selector":{}'),
    queryFn: ({ signal }) => post<PreviewView>('/v1/revocations/preview', JSON.parse(asked), signal),
    placeholderData: keepPreviousData,
    refetchInterval: 5_000,
    retry: false,
  });
  const set = (name: string, value: string | undefined): void =>
    void navigate({ search: (now) => ({ ...now, [name]: value === '' ? undefined : value }), replace: true });
  // what is shown, and not what was shown for other fields, is what is confirmed
  const isCurrent = asked === body && !preview.isPlaceholderData;
  return (
    <div className="incident">
      <section className="panel" aria-labelledby="selector">
        <h2 id="selector">{T.incident.selector}</h2>
        <p className="muted small">{T.incident.all}</p>
        <SelectorForm search={search} faults={faults} onChange={set} />
        {namesVerb(selector) && (
          <fieldset className="scope scope-column">
            <legend>{T.incident.target}</legend>
            {TARGETS.map((each) => (
              <label key={each} className="radio">
                <input type="radio" name="target" checked={target === each} onChange={() => set('target', each)} />
                <span>
                  {T.incident.targets[mode][each]}{' '}
                  <span className="muted">
                    {T.incident.targetCounts[mode][each](preview.data?.targets?.[each].grants)}
                  </span>
                </span>
              </label>
            ))}
          </fieldset>
        )}
        <label className="check">
          <input type="checkbox" checked={quarantine} onChange={({ target: box }) => setQuarantine(box.checked)} />
          {T.incident.quarantine}
        </label>
        <fieldset className="scope scope-column">
          <legend>{T.incident.mode}</legend>
          {MODES.map((each) => (
            <label key={each} className="radio">
              <input
                type="radio"
                name="mode"
                checked={mode === each}
                onChange={() => set('mode', each === 'revoke' ? undefined : each)}
              />
              <span>{T.incident.modes[each]}</span>
            </label>
          ))}
        </fieldset>
        {mode === 'suspend' && (
          <label className="field">
            {T.incident.until}
            <select value={hours} onChange={({ target: chosen }) => setHours(chosen.value)}>
              {Object.entries(T.incident.untils).map(([value, text]) => (
                <option key={value} value={value}>
                  {text}
                </option>
              ))}
            </select>
          </label>
        )}
      </section>
      <section className="panel radius" aria-labelledby="radius">
        <h2 id="radius">{T.incident.radius}</h2>
        {isEmpty ? (
          <Empty title={T.incident.radiusEmpty} icon={Octagon} />
        ) : (
          preview.error && <Failed error={preview.error} retry={() => void preview.refetch()} />
        )}
        {!isEmpty && preview.data && (
          <>
            <Radius
              preview={preview.data}
              mode={mode}
              onAlso={(name) => set('also', [...new Set([...classesOf(search), name])].join('\n'))}
            />
            {faults.length === 0 && (
              <fieldset className="plain-fieldset" disabled={!isCurrent}>
                <Confirm
                  key={`${mode} ${asked}`}
                  preview={preview.data}
                  asked={asked}
                  quarantine={quarantine}
                  mode={mode}
                  hours={Number(hours)}
                  note={note}
                  onNote={setNote}
                  onGrew={() => void preview.refetch()}
                  onStopped={onStopped}
                />
              </fieldset>
            )}
          </>
        )}
      </section>
    </div>
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
