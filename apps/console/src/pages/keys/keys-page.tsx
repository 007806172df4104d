import { useState, type SubmitEvent, type ReactNode } from 'react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { KeyRound } from 'lucide-react';
import { isValidKey } from '@bailiwick/contracts/keys/valid-key';
import { api, get, post } from '../../api/client';
import type { Page } from '../../api/queries';
import { nowMs } from '../../clock';
import { AgentText } from '../../parts/agent-text';
import { Dialog } from '../../parts/dialog';
import { SecretDialog } from '../../parts/secret-dialog';
import { Empty, Failed, Loading } from '../../parts/states';
import { When } from '../../parts/when';
import { T } from '../../texts';

interface Key {
  readonly id: string;
  readonly name: string;
  readonly role?: string;
  readonly roles?: readonly string[];
  readonly person?: string;
  readonly createdAt?: string;
  readonly expiresAt?: string;
  readonly revokedAt?: string;
}
interface Issued {
  readonly id: string;
  readonly key: string;
}
const ROLES = ['orchestrator', 'enforcer', 'approver', 'responder', 'analyst', 'admin'] as const;
const DAY_MS = 86_400_000;

/** The keys of the tenant: issue, rotate, revoke. A secret is shown once and kept nowhere. */
export function KeysPage(): ReactNode {
  const queries = useQueryClient();
  const keys = useQuery({ queryKey: ['keys'], queryFn: () => get<Page<Key>>('/v1/keys') });
  const [secret, setSecret] = useState<string>();
  const [revoking, setRevoking] = useState<Key>();
  const refresh = (): void => void queries.invalidateQueries({ queryKey: ['keys'] });
  const rotate = useMutation({
    mutationFn: ({ id }: Key) => post<Issued>(`/v1/keys/${id}/rotation`, {}),
    onSuccess: ({ key }) => {
      setSecret(key);
      refresh();
    },
  });
  const c = T.keys.columns;
  return (
    <div className="page">
      <header className="page-head">
        <h1>{T.keys.title}</h1>
        <p className="muted">{T.keys.lead}</p>
      </header>
      <IssueForm
        onIssued={({ key }) => {
          setSecret(key);
          refresh();
        }}
      />
      {rotate.error && <Failed error={rotate.error} />}
      {keys.error ? (
        <Failed error={keys.error} retry={() => void keys.refetch()} />
      ) : !keys.data ? (
        <Loading />
      ) : keys.data.items.length === 0 ? (
        <Empty title={T.keys.emptyTitle} icon={KeyRound}>
          {T.keys.empty}
        </Empty>
      ) : (
        <table className="table table-cards">
          <thead>
            <tr>
              <th scope="col">{c.name}</th>
              <th scope="col">{c.roles}</th>
              <th scope="col">{c.person}</th>
              <th scope="col">{c.created}</th>
              <th scope="col">{c.expires}</th>
              <th scope="col">{c.status}</th>
              <th>
                <span className="visually-hidden">{T.keys.revoke}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {keys.data.items.map((key) => (
              <tr key={key.id}>
                <th scope="row">
                  <AgentText>{key.name}</AgentText>
                </th>
                <td>{key.role ?? key.roles?.join(', ')}</td>
                <td>
                  <AgentText>{key.person}</AgentText>
                </td>
                <td>
                  <When at={key.createdAt} />
                </td>
                <td>
                  <When at={key.expiresAt} />
                </td>
                <td>
                  <span className={isValid(key) ? 'tag tag-good' : 'tag tag-idle'}>
                    {isValid(key) ? T.keys.live : T.keys.ended}
                  </span>
                </td>
                <td className="right">
                  {isValid(key) && (
                    <span className="actions actions-end">
                      <button
                        type="button"
                        className="button button-small"
                        onClick={() => rotate.mutate(key)}
                        aria-label={`${T.keys.rotate} ${key.name}`}
                      >
                        {T.keys.rotate}
                      </button>
                      <button
                        type="button"
                        className="button button-small button-bad"
                        onClick={() => setRevoking(key)}
                        aria-label={T.keys.revokeTitle(key.name)}
                      >
                        {T.keys.revoke}
                      </button>
                    </span>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {secret !== undefined && (
        <SecretDialog
          title={T.keys.issued}
          how={T.keys.issuedText}
          secret={secret}
          onClose={() => setSecret(undefined)}
        />
      )}
      {revoking && (
        <RevokeDialog
          of={revoking}
          onClose={() => {
            setRevoking(undefined);
            refresh();
          }}
        />
      )}
    </div>
  );
}

const isValid = (key: Key): boolean => isValidKey(key, nowMs());

function IssueForm({ onIssued }: { onIssued: (issued: Issued) => void }): ReactNode {
  const [name, setName] = useState('');
  const [role, setRole] = useState<string>('analyst');
  const [person, setPerson] = useState('');
  const [days, setDays] = useState('90');
  const issue = useMutation({
    mutationFn: () =>
      post<Issued>('/v1/keys', {
        name,
        role,
        ...(person.trim() === '' ? {} : { person: person.trim() }),
        ...(days === '' ? {} : { expiresAt: new Date(nowMs() + Number(days) * DAY_MS).toISOString() }),
      }),
    onSuccess: (issued) => {
      setName('');
      onIssued(issued);
    },
  });
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    issue.mutate();
  };
  return (
    <form className="panel" onSubmit={submit} aria-labelledby="issue">
      <h2 id="issue">{T.keys.issue}</h2>
      <div className="field-row">
        <label className="field">
          {T.keys.name}
          <input
            required
            pattern="[a-z0-9][a-z0-9._\-]*"
            maxLength={60}
            value={name}
            onChange={({ target }) => setName(target.value)}
          />
        </label>
        <label className="field">
          {T.keys.role}
          <select value={role} onChange={({ target }) => setRole(target.value)}>
            {ROLES.map((each) => (
              <option key={each}>{each}</option>
            ))}
          </select>
        </label>
        <label className="field">
          {T.keys.person}
          <input placeholder={T.keys.personHint} value={person} onChange={({ target }) => setPerson(target.value)} />
        </label>
        <label className="field">
          {T.keys.days}
          <input type="number" min={1} max={3650} value={days} onChange={({ target }) => setDays(target.value)} />
        </label>
        <button type="submit" className="button button-primary" disabled={issue.isPending}>
          {T.keys.issue}
        </button>
      </div>
      {issue.error && <Failed error={issue.error} />}
    </form>
  );
}

function RevokeDialog({ of, onClose }: { of: Key; onClose: () => void }): ReactNode {
  const revoke = useMutation({ mutationFn: () => api('DELETE', `/v1/keys/${of.id}`), onSuccess: onClose });
  return (
    <Dialog title={T.keys.revokeTitle(of.name)} onClose={onClose}>
      <p>{T.keys.revokeText}</p>
      {revoke.error && <Failed error={revoke.error} />}
      <p className="actions actions-end">
        <button type="button" className="button" onClick={onClose}>
          {T.cancel}
        </button>
        <button
          type="button"
          className="button button-bad-solid"
          disabled={revoke.isPending}
          onClick={() => revoke.mutate()}
        >
          {T.keys.revoke}
        </button>
      </p>
    </Dialog>
  );
}
