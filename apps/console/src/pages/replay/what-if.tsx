import { useState, type ReactNode, type SubmitEvent } from 'react';
import { useMutation, useQuery } from '@tanstack/react-query';
import { RISKS } from '@bailiwick/contracts/grants/grant';
import type { PolicyVersionsAnswer } from '@bailiwick/contracts/policy/deployment';
import type { ReplayAnswer, ReplayRequest } from '@bailiwick/contracts/replay/replay';
import { get, post } from '../../api/client';
import { useTree } from '../../api/queries';
import { visibleText } from '../../parts/agent-text';
import { Failed } from '../../parts/states';
import { T } from '../../texts';
import { NO_CHANGE, requestOf, type Fields } from './change';
import { Differences } from './differences';

/** The form of a what-if, and what would differ. */
export function WhatIf({
  treeId,
  answer,
  onAnswer,
  onGo,
}: {
  treeId: string;
  answer: ReplayAnswer | undefined;
  onAnswer: (answer: ReplayAnswer | undefined) => void;
  onGo: (position: number) => void;
}): ReactNode {
  const [fields, setFields] = useState<Fields>(NO_CHANGE);
  const [asked, setAsked] = useState<ReplayRequest>();
  const replay = useMutation({
    mutationFn: (request: ReplayRequest) => post<ReplayAnswer>('/v1/replays', request),
    onSuccess: (next, { after }) =>
      onAnswer(
        after !== undefined && answer ? { ...next, differences: [...answer.differences, ...next.differences] } : next,
      ),
  });
  const request = requestOf(fields, treeId);
  const set = (part: Partial<Fields>): void => setFields({ ...fields, ...part });
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    if (!request) return;
    setAsked(request);
    replay.mutate(request);
  };
  const w = T.replay.whatIf;
  return (
    <section className="panel" aria-labelledby="what-if">
      <h2 id="what-if">{w.title}</h2>
      <p className="muted">{w.lead}</p>
      <form className="what-if" onSubmit={submit}>
        <RulesFields fields={fields} set={set} />
        <LeaseFields treeId={treeId} fields={fields} set={set} />
        <fieldset className="scope">
          <legend>{w.scope}</legend>
          {(['tree', 'log'] as const).map((each) => (
            <label key={each} className="radio">
              <input
                type="radio"
                name="replay-scope"
                checked={fields.scope === each}
                onChange={() => set({ scope: each })}
              />
              {w.scopes[each]}
            </label>
          ))}
        </fieldset>
        <p className="actions">
          <button type="submit" className="button button-primary" disabled={!request || replay.isPending}>
            {replay.isPending ? w.working : w.run}
          </button>
          {answer && (
            <button
              type="button"
              className="button"
              onClick={() => {
                setFields(NO_CHANGE);
                onAnswer(undefined);
              }}
            >
              {w.clear}
            </button>
          )}
          {!request && <span className="muted small">{w.nothing}</span>}
        </p>
      </form>
      {replay.error && <Failed error={replay.error} />}
      {answer && (
        <Differences
          answer={answer}
          treeId={treeId}
          onGo={onGo}
          onMore={
            answer.next !== null && asked && !replay.isPending
              ? () => replay.mutate({ ...asked, after: answer.next ?? 0 })
              : undefined
          }
        />
      )}
    </section>
  );
}

interface Part {
  fields: Fields;
  set: (part: Partial<Fields>) => void;
}

/** What would hold for every lease. */
function RulesFields({ fields, set }: Part): ReactNode {
  const versions = useQuery({
    queryKey: ['policies', 'history'],
    queryFn: () => get<PolicyVersionsAnswer>('/v1/policies', { limit: 20 }),
  });
  const w = T.replay.whatIf;
  return (
    <fieldset className="field-row">
      <legend className="visually-hidden">{w.rules}</legend>
      {(['approvalFrom', 'ceiling'] as const).map((name) => (
        <label key={name} className="field">
          {w.fields[name]}
          <select value={fields[name]} onChange={({ target }) => set({ [name]: target.value })}>
            <option value="">{w.unchanged}</option>
            {RISKS.map((risk) => (
              <option key={risk} value={risk}>
                {T.risk[risk]}
              </option>
            ))}
          </select>
        </label>
      ))}
      <label className="field">
        {w.fields.version}
        <select value={fields.version} onChange={({ target }) => set({ version: target.value })}>
          <option value="">{w.unchanged}</option>
          {versions.data?.items.map(({ version }) => (
            <option key={version} value={version}>
              {w.versionOf(version)}
            </option>
          ))}
          <option value="0">{w.shipped}</option>
        </select>
      </label>
      {(['stepUpAt', 'suspendAt'] as const).map((name) => (
        <label key={name} className="field">
          {w.fields[name]}
          <input
            type="number"
            min={0}
            max={1}
            step={0.01}
            placeholder={w.unchanged}
            value={fields[name]}
            onChange={({ target }) => set({ [name]: target.value })}
          />
        </label>
      ))}
    </fieldset>
  );
}

/** What would hold for the leases of one class, or of all. */
function LeaseFields({ treeId, fields, set }: Part & { treeId: string }): ReactNode {
  const tree = useTree(treeId);
  const classes = [...new Set(tree.data?.runs.map(({ agent }) => agent.class))].sort();
  const w = T.replay.whatIf;
  return (
    <fieldset className="field-row">
      <legend className="visually-hidden">{w.leases}</legend>
      <label className="field">
        {w.fields.lease}
        <select
          value={fields.lease}
          onChange={({ target }) =>
            set({ lease: target.value === 'withhold' || target.value === 'limit' ? target.value : 'same' })
          }
        >
          {(['same', 'limit', 'withhold'] as const).map((each) => (
            <option key={each} value={each}>
              {w.lease[each]}
            </option>
          ))}
        </select>
      </label>
      {fields.lease !== 'same' && (
        <label className="field">
          {w.fields.agentClass}
          <select value={fields.agentClass} onChange={({ target }) => set({ agentClass: target.value })}>
            <option value="">{w.everyClass}</option>
            {classes.map((name) => (
              <option key={name} value={name}>
                {visibleText(name)}
              </option>
            ))}
          </select>
        </label>
      )}
      {fields.lease === 'limit' && (
        <>
          <label className="field">
            {w.fields.calls}
            <input
              type="number"
              min={0}
              step={1}
              placeholder={w.unchanged}
              value={fields.calls}
              onChange={({ target }) => set({ calls: target.value })}
            />
          </label>
          {(['allow', 'deny'] as const).map((name) => (
            <label key={name} className="field">
              {w.fields[name]}
              <textarea
                rows={2}
                placeholder={w.unchanged}
                value={fields[name]}
                onChange={({ target }) => set({ [name]: target.value })}
              />
            </label>
          ))}
        </>
      )}
    </fieldset>
  );
}
