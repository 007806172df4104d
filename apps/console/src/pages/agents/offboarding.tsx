import { useState, type ReactNode, type SubmitEvent } from 'react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { Check, CircleAlert, UserX } from 'lucide-react';
import type { endSessionsAnswer } from '@bailiwick/contracts/http/sessions';
import { isValidKey } from '@bailiwick/contracts/keys/valid-key';
import type { PreviewView } from '@bailiwick/contracts/queries/query';
import { isOwnedBy } from '@bailiwick/core/same-person';
import { LIMITS } from '@bailiwick/core/limits';
import type { z } from 'zod';
import { api, get, post } from '../../api/client';
import type { Page } from '../../api/queries';
import { nowMs } from '../../clock';
import { AgentText, visibleText } from '../../parts/agent-text';
import { Failed } from '../../parts/states';
import { hasOneOf, useCaller } from '../../session/session';
import { T } from '../../texts';
import type { AgentClass } from './inventory';

interface Key {
  readonly id: string;
  readonly name: string;
  readonly revokedAt?: string;
  readonly expiresAt?: string;
}
type EndedSessions = z.infer<typeof endSessionsAnswer>;
interface Done {
  readonly name: string;
  readonly error?: string;
}

/** The gateway compares refs: a key keeps the name of its person as an admin typed it. */
const readKeys = async (person: string): Promise<Key[]> =>
  (await get<Page<Key>>('/v1/keys', { person })).items.filter((key) => isValidKey(key, nowMs()));
/** Each ends at least the sessions. */
const ENDERS = ['responder', 'admin'] as const;

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
  const close = (): void => void navigate({ search: (now) => ({ ...now, offboard: undefined }) });
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
        <button type="button" className="button actions-low" onClick={close}>
          {T.close}
        </button>
      </form>
      {person !== '' && (
        <Holdings
          key={person}
          person={person}
          owns={classes.filter(({ owner }) => owner !== undefined && isOwnedBy(owner, person))}
        />
      )}
    </section>
  );
}

/** What they have, and the button that ends it. */
function Holdings({ person, owns }: { person: string; owns: readonly AgentClass[] }): ReactNode {
  const session = useCaller();
  const mayRevoke = hasOneOf(session, ['responder']);
  const mayKeys = hasOneOf(session, ['admin']);
  const selection = { selector: { principal: person }, quarantine: true };
  const preview = useQuery({
    queryKey: ['preview', 'offboard', person],
    enabled: mayRevoke,
    queryFn: () => post<PreviewView>('/v1/revocations/preview', selection),
    retry: false,
  });
  const keys = useQuery({ queryKey: ['keys', 'of', person], enabled: mayKeys, queryFn: () => readKeys(person) });
  const own = keys.data;
  const [reason, setReason] = useState('');
  const [typed, setTyped] = useState('');
  const { end, done, issuers } = useEnd(person, mayKeys, () => setTyped(''));
  // what has not been read would not be ended either
  const isRead = (!mayRevoke || preview.isSuccess) && (!mayKeys || keys.isSuccess);
  const isReading = preview.isFetching || keys.isFetching;
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const { digest } = preview.data ?? {};
    end.mutate(digest === undefined ? undefined : { ...selection, reason, digest });
  };
  const o = T.agents.offboard;
  const { grants = 0, pendingApprovals = 0 } = preview.data?.counts ?? {};
  // of what may not be read, nothing can be stated
  const isUnknown =
    mayRevoke && mayKeys && isRead && grants + pendingApprovals + (own?.length ?? 0) + owns.length === 0;
  return (
    <>
      {[preview, keys].map(({ error, refetch }, at) =>
        error ? <Failed key={at} error={error} retry={() => void refetch()} /> : null,
      )}
      {isUnknown && done.length === 0 && (
        <p className="notice notice-wait">
          <CircleAlert aria-hidden size={18} /> {o.unknown}
        </p>
      )}
      <ul className="sentences">
        {!mayRevoke ? (
          <li>{o.noLeases}</li>
        ) : (
          preview.data && <li>{o.leases(preview.data.counts.grants, preview.data.counts.runs)}</li>
        )}
        {!mayKeys ? (
          <li>{o.noKeys}</li>
        ) : (
          own && (
            <li>
              {o.keys(own.length)} <AgentText>{own.map(({ name }) => name).join(', ')}</AgentText>
            </li>
          )
        )}
        <li>{hasOneOf(session, ENDERS) ? o.sessions : o.noSessions}</li>
        <li>
          {o.owns(owns.length)} <AgentText>{owns.map(({ name }) => name).join(', ')}</AgentText>
        </li>
        <li>{o.approvals}</li>
      </ul>
      {hasOneOf(session, ENDERS) && (
        <form className="confirm" onSubmit={submit}>
          <label className="field">
            {T.reason}
            <input
              required
              maxLength={LIMITS.reasonLength}
              value={reason}
              onChange={({ target }) => setReason(target.value)}
            />
          </label>
          <label className="field">
            {o.confirm(visibleText(person))}
            <input autoComplete="off" value={typed} onChange={({ target }) => setTyped(target.value)} />
          </label>
          <p className="actions">
            <button
              type="submit"
              className="button button-bad-solid"
              disabled={typed.trim() !== person || reason.trim() === '' || end.isPending || isReading || !isRead}
            >
              <UserX aria-hidden size={16} /> {end.isPending ? o.working : o.run}
            </button>
          </p>
        </form>
      )}
      <Steps done={done} isOver={!end.isPending} issuers={issuers} />
    </>
  );
}

/** What was done, and what failed. */
function Steps({
  done,
  isOver,
  issuers,
}: {
  done: readonly Done[];
  isOver: boolean;
  issuers: readonly string[];
}): ReactNode {
  const o = T.agents.offboard;
  return (
    <div role="status">
      <ul className="steps">
        {done.map(({ name, error }, at) => (
          <li key={at} className={error === undefined ? 'step-good' : 'step-bad'}>
            {error === undefined ? <Check aria-hidden size={16} /> : <CircleAlert aria-hidden size={16} />}
            <span>
              {name} {error !== undefined && <AgentText>{`${o.failed} ${error}`}</AgentText>}
            </span>
          </li>
        ))}
      </ul>
      {isOver && done.some(({ error }) => error !== undefined) && (
        <p className="notice notice-wait">
          <CircleAlert aria-hidden size={18} /> {o.half}
        </p>
      )}
      {issuers.map((issuer) => (
        <p key={issuer} className="notice notice-wait">
          <CircleAlert aria-hidden size={18} /> {o.account(issuer)}
        </p>
      ))}
    </div>
  );
}

/** Takes the steps, one after the other: one that fails does not keep the others from being taken. */
function useEnd(person: string, mayKeys: boolean, onOver: () => void) {
  const queries = useQueryClient();
  const [done, setDone] = useState<readonly Done[]>([]);
  const [issuers, setIssuers] = useState<readonly string[]>([]);
  const o = T.agents.offboard;
  const end = useMutation({
    mutationFn: async (revocation: object | undefined) => {
      setDone([]);
      setIssuers([]);
      const note = (name: string, cause?: unknown): void => {
        const error =
          cause === undefined ? {} : { error: cause instanceof Error ? cause.message : JSON.stringify(cause) };
        setDone((before) => [...before, { name, ...error }]);
      };
      const take = (name: string, failed: string, step: () => Promise<unknown>): Promise<void> =>
        step().then(
          () => note(name),
          (cause: unknown) => note(failed, cause),
        );
      if (revocation) await take(o.doneLeases, o.stepLeases, () => post('/v1/revocations', revocation));
      if (mayKeys) {
        // read again: more may have been issued since they were shown
        const own = await readKeys(person).catch((cause: unknown) => (note(o.stepKeys, cause), []));
        for (const { id, name } of own)
          await take(o.doneKey(visibleText(name)), o.stepKey(visibleText(name)), () =>
            api('DELETE', `/v1/keys/${encodeURIComponent(id)}`),
          );
      }
      await take(o.doneSessions, o.stepSessions, async () =>
        setIssuers((await post<EndedSessions>('/v1/sessions/revocation', { person })).issuers),
      );
    },
    onSettled: () => {
      onOver();
      return queries.invalidateQueries();
    },
  });
  return { end, done, issuers };
}
