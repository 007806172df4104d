import type { ReactNode } from 'react';
import { X } from 'lucide-react';
import { useLiveRuns } from '../../api/queries';
import { AgentText } from '../../parts/agent-text';
import { T } from '../../texts';
import { classesOf, MAIN, MORE, TIMES, type Search } from './selector';

interface Props {
  readonly search: Search;
  /** the fields that have another form than they need */
  readonly faults: readonly string[];
  readonly onChange: (name: string, value: string | undefined) => void;
}

/** The fields of a selector. */
export function SelectorForm({ search, faults, onChange }: Props): ReactNode {
  const also = classesOf(search);
  const hasMore = [...MORE, 'select'].some((name) => search[name] !== undefined);
  const field = (name: string): ReactNode => (
    <SelectorField
      key={name}
      name={name}
      value={search[name] ?? ''}
      isFaulty={faults.includes(name)}
      onChange={(value) => onChange(name, value)}
    />
  );
  return (
    <>
      <div className="selector">{MAIN.map(field)}</div>
      {also.length > 0 && (
        <p className="chips">
          <span>{T.incident.also}</span>
          {also.map((name) => (
            <button
              key={name}
              type="button"
              className="chip chip-button"
              aria-label={T.incident.without(name)}
              onClick={() => onChange('also', also.filter((each) => each !== name).join('\n'))}
            >
              <AgentText>{name}</AgentText> <X aria-hidden size={12} />
            </button>
          ))}
        </p>
      )}
      <details open={hasMore}>
        <summary>{T.incident.more}</summary>
        <div className="selector selector-more">
          {MORE.map(field)}
          <label className="field selector-json">
            {T.incident.fields.select}
            <textarea
              rows={2}
              spellCheck={false}
              placeholder={T.incident.hints.select}
              value={search.select ?? ''}
              aria-invalid={faults.includes('select')}
              onChange={({ target }) => onChange('select', target.value)}
            />
            <Fault name={faults.includes('select') ? 'select' : undefined} />
          </label>
        </div>
      </details>
      <Suggestions />
    </>
  );
}

const SUGGESTED = ['agentClass', 'agentInstance', 'principal', 'modelVersion', 'environment'];

function SelectorField({
  name,
  value,
  isFaulty,
  onChange,
}: {
  name: string;
  value: string;
  isFaulty: boolean;
  onChange: (value: string) => void;
}): ReactNode {
  return (
    <label className="field">
      {T.incident.fields[name]}
      <input
        type={TIMES.includes(name) ? 'datetime-local' : 'text'}
        list={SUGGESTED.includes(name) ? `known-${name}` : undefined}
        placeholder={T.incident.hints[name]}
        spellCheck={false}
        autoComplete="off"
        value={value}
        aria-invalid={isFaulty}
        onChange={({ target }) => onChange(target.value)}
      />
      <Fault name={isFaulty ? name : undefined} />
    </label>
  );
}

const Fault = ({ name }: { name: string | undefined }): ReactNode =>
  name === undefined ? null : <span className="field-problem">{T.incident.faults[name]}</span>;

/** What live runs have in the fields, to choose from. */
function Suggestions(): ReactNode {
  const runs = useLiveRuns().data?.items ?? [];
  const known: Readonly<Record<string, readonly (string | null | undefined)[]>> = {
    agentClass: runs.map(({ agent }) => agent.class),
    agentInstance: runs.map(({ agent }) => agent.instance),
    principal: runs.map(({ requestedBy }) => requestedBy),
    modelVersion: runs.map(({ agent }) => agent.posture?.modelVersion),
    environment: runs.map(({ agent }) => agent.posture?.environment),
  };
  return Object.entries(known).map(([field, values]) => (
    <datalist key={field} id={`known-${field}`}>
      {[...new Set(values)].map((value) => (value ? <option key={value} value={value} /> : null))}
    </datalist>
  ));
}
