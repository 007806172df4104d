import { useState, type ReactNode, type SubmitEvent } from 'react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { Check, CircleAlert, UserX } from 'lucide-react';
import { api, get, post } from '../../api/client';
import type { Page } from '../../api/queries';
import type { Preview } from '../../api/shapes';
import { AgentText, visibleText } from '../../parts/agent-text';
import { Failed } from '../../parts/states';
import { hasOneOf, useCaller } from '../../session/session';
import { T } from '../../texts';
import type { AgentClass } from './inventory';

interface Key {
  readonly id: string;
  readonly name: string;
  readonly person?: string;
  readonly revokedAt?: string;
}
interface Done {
  readonly name: string;
  readonly error?: string;
}

/** Ends what a person has here: the leases in their name, their keys and their sessions. Each step needs its own role. */
export function Offboarding({
  person,
  people,
  classes,
}: {
  person: string;
  people: readonly string[];
  classes: readonly AgentClass[];
}): ReactNode {
  const navigate = useNavigate({ from: '/agents' });
  const [typed, setTyped] = useState(person);
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    void navigate({ search: (now) => ({ ...now, offboard: typed.trim() }) });
  };
  const o = T.agents.offboard;
  return (
    <section className="panel" aria-labelledby="offboard">
      <h2 id="offboard">{o.title}</h2>
      <p className="muted">{o.lead}</p>
      <form className="actions" onSubmit={submit}>
        <label className="field">
          {o.person}
          <input
            required
            size={32}
            list="people"
            placeholder={T.keys.personHint}
            value={typed}
            onChange={({ target }) => setTyped(target.value)}
          />
        </label>
        <datalist id="people">
          {people.map((each) => (
            <option key={each} value={each} />
          ))}
        </datalist>
        <button type="submit" className="button actions-low">
          {o.look}
        </button>
        <button type="button" className="button actions-low" onClick={() => void navigate({ search: {} })}>
          {T.close}
        </button>
      </form>
      {person !== '' && (
        <Holdings key={person} person={person} owns={classes.filter(({ owner }) => owner === person)} />
      )}
    </section>
  );
}

/** What they have, and the button that ends it. */
function Holdings({ person, owns }: { person: string; owns: readonly AgentClass[] }): ReactNode {
  const session = useCaller();
  const queries = useQueryClient();
  const mayRevoke = hasOneOf(session, ['responder']);
  const mayKeys = hasOneOf(session, ['admin']);
  const selection = { selector: { principal: person }, quarantine: true };
  const preview = useQuery({
    queryKey: ['preview', 'offboard', person],
    enabled: mayRevoke,
    queryFn: () => post<Preview>('/v1/revocations/preview', selection),
    retry: false,
  });
  const keys = useQuery({ queryKey: ['keys'], enabled: mayKeys, queryFn: () => get<Page<Key>>('/v1/keys') });
  const own = keys.data?.items.filter((key) => key.person === person && key.revokedAt === undefined) ?? [];
  const [reason, setReason] = useState('');
  const [typed, setTyped] = useState('');
  const [done, setDone] = useState<readonly Done[]>([]);
  const o = T.agents.offboard;
  const end = useMutation({
    mutationFn: async () => {
      const digest = preview.data?.digest;
      const steps: [string, () => Promise<unknown>][] = [
        ...(mayRevoke && digest !== undefined
          ? [
              [o.doneLeases, () => post('/v1/revocations', { ...selection, reason, digest })] as [
                string,
                () => Promise<unknown>,
              ],
            ]
          : []),
        ...own.map(({ id, name }): [string, () => Promise<unknown>] => [
          o.doneKey(visibleText(name)),
          () => api('DELETE', `/v1/keys/${encodeURIComponent(id)}`),
        ]),
        [o.doneSessions, () => post('/v1/sessions/revocation', { person })],
      ];
      const results: Done[] = [];
      // a step that fails does not keep the others from being taken
      for (const [name, step] of steps) results.push(await step().then(() => ({ name }), failedStep(name)));
      return results;
    },
    onSuccess: async (results) => {
      setDone(results);
      setTyped('');
      await queries.invalidateQueries();
    },
  });
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    end.mutate();
  };
  const counts = preview.data?.counts;
  return (
    <>
      {preview.error && <Failed error={preview.error} />}
      <ul className="sentences">
        <li>{counts ? o.leases(counts.grants, counts.runs) : o.noLeases}</li>
        <li>
          {mayKeys ? o.keys(own.length) : o.noKeys} <AgentText>{own.map(({ name }) => name).join(', ')}</AgentText>
        </li>
        <li>{o.sessions}</li>
        <li>
          {o.owns(owns.length)} <AgentText>{owns.map(({ name }) => name).join(', ')}</AgentText>
        </li>
      </ul>
      {hasOneOf(session, ['responder', 'admin']) && (
        <form className="confirm" onSubmit={submit}>
          <label className="field">
            {T.incident.reason}
            <input required maxLength={500} value={reason} onChange={({ target }) => setReason(target.value)} />
          </label>
          <label className="field">
            {o.confirm(visibleText(person))}
            <input autoComplete="off" value={typed} onChange={({ target }) => setTyped(target.value)} />
          </label>
          <p className="actions">
            <button
              type="submit"
              className="button button-bad-solid"
              disabled={typed.trim() !== person || reason.trim() === '' || end.isPending || preview.isFetching}
            >
              <UserX aria-hidden size={16} /> {o.run}
            </button>
          </p>
        </form>
      )}
      <div role="status">
        <ul className="steps">
          {done.map(({ name, error }) => (
            <li key={name} className={error === undefined ? 'step-good' : 'step-bad'}>
              {error === undefined ? <Check aria-hidden size={16} /> : <CircleAlert aria-hidden size={16} />}
              <span>
                {name} {error !== undefined && <AgentText>{`${o.failed} ${error}`}</AgentText>}
              </span>
            </li>
          ))}
        </ul>
      </div>
    </>
  );
}

const failedStep =
  (name: string) =>
  (error: unknown): Done => ({ name, error: error instanceof Error ? error.message : String(error) });
