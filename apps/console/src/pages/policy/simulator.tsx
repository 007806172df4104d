import { useState, type ReactNode, type SubmitEvent } from 'react';
import { useMutation } from '@tanstack/react-query';
import { Check, CircleHelp, X } from 'lucide-react';
import { EFFECTS } from '@bailiwick/contracts/grants/grant';
import type { Reason } from '@bailiwick/contracts/reason';
import { post } from '../../api/client';
import { useLiveGrants, useLiveRuns } from '../../api/queries';
import { visibleText } from '../../parts/agent-text';
import { Reasons } from '../../parts/reasons';
import { Failed } from '../../parts/states';
import { T } from '../../texts';

interface Answer {
  readonly decision: boolean;
  readonly context?: { readonly reasons?: readonly Reason[]; readonly stepUp?: object };
}

/** Asks whether a lease would permit a call now: a dry run, which charges and records nothing. */
export function Simulator(): ReactNode {
  const [call, setCall] = useState({ grant: '', verb: '', type: '', id: '', effect: '' });
  const asked = useMutation({
    mutationFn: () =>
      post<Answer>('/access/v1/evaluation', {
        subject: { type: 'grant', id: call.grant.trim() },
        action: {
          name: call.verb.trim(),
          ...(call.effect === '' ? {} : { properties: { effect: call.effect } }),
        },
        resource: { type: call.type.trim(), id: call.id.trim() },
        context: { dryRun: true },
      }),
  });
  const set = (part: Partial<typeof call>): void => {
    setCall({ ...call, ...part });
    asked.reset();
  };
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    asked.mutate();
  };
  const s = T.policy.simulator;
  return (
    <section className="panel" aria-labelledby="simulator">
      <h2 id="simulator">{s.title}</h2>
      <p className="muted">{s.lead}</p>
      <form className="what-if" onSubmit={submit}>
        <div className="field-row">
          <label className="field">
            {s.grant}
            <input
              required
              list="leases"
              placeholder="grt_0_…"
              value={call.grant}
              onChange={({ target }) => set({ grant: target.value })}
            />
          </label>
          <Leases />
          {(['verb', 'type', 'id'] as const).map((name) => (
            <label key={name} className="field">
              {s.fields[name]}
              <input
                required
                placeholder={s.hints[name]}
                value={call[name]}
                onChange={({ target }) => set({ [name]: target.value })}
              />
            </label>
          ))}
          <label className="field">
            {s.effect}
            <select value={call.effect} onChange={({ target }) => set({ effect: target.value })}>
              <option value="">{s.byCatalog}</option>
              {EFFECTS.map((effect) => (
                <option key={effect} value={effect}>
                  {s.effects[effect]}
                </option>
              ))}
            </select>
          </label>
        </div>
        <p className="actions">
          <button type="submit" className="button button-primary" disabled={asked.isPending}>
            {s.run}
          </button>
        </p>
      </form>
      {asked.error && <Failed error={asked.error} />}
      <div role="status">{asked.data && <Verdict answer={asked.data} />}</div>
    </section>
  );
}

function Verdict({ answer: { decision, context } }: { answer: Answer }): ReactNode {
  const s = T.policy.simulator;
  const asks = context?.stepUp !== undefined;
  const Icon = decision ? Check : asks ? CircleHelp : X;
  const tone = decision ? 'verdict-good' : asks ? 'verdict-wait' : 'verdict-bad';
  return (
    <>
      <p className={`verdict ${tone}`}>
        <Icon aria-hidden size={20} /> {decision ? s.permits : asks ? s.asks : s.denies}
      </p>
      {context?.reasons && <Reasons of={context.reasons} />}
    </>
  );
}

/** The live leases, with the class that holds each. */
function Leases(): ReactNode {
  const grants = useLiveGrants();
  const runs = useLiveRuns();
  const classes = new Map(runs.data?.items.map(({ id, agent }) => [id, agent.class]));
  return (
    <datalist id="leases">
      {[...(grants.data ?? [])].map(([id, { runId }]) => (
        <option key={id} value={id}>
          {visibleText(classes.get(runId) ?? '')}
        </option>
      ))}
    </datalist>
  );
}
