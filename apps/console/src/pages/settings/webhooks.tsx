import { useState, type ReactNode, type SubmitEvent } from 'react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Webhook } from 'lucide-react';
import type { AttemptAnswer, WebhookView } from '@bailiwick/contracts/webhooks/webhook';
import { api, get, post } from '../../api/client';
import type { Page } from '../../api/queries';
import { AgentText } from '../../parts/agent-text';
import { Columns } from '../../parts/columns';
import { Dialog } from '../../parts/dialog';
import { SecretDialog } from '../../parts/secret-dialog';
import { Empty, Failed, Loading } from '../../parts/states';
import { When } from '../../parts/when';
import { hasOneOf, useCaller } from '../../session/session';
import { T } from '../../texts';

interface Shown {
  readonly name: string;
  readonly secret: string;
}
const pathOf = (name: string): string => `/v1/webhooks/${encodeURIComponent(name)}`;

/** Where the events of the tenant are sent. Administrators register, test, rotate and remove. */
export function Webhooks(): ReactNode {
  const queries = useQueryClient();
  const mayChange = hasOneOf(useCaller(), ['admin']);
  const hooks = useQuery({ queryKey: ['webhooks'], queryFn: () => get<Page<WebhookView>>('/v1/webhooks') });
  const [shown, setShown] = useState<Shown>();
  const refresh = (): void => void queries.invalidateQueries({ queryKey: ['webhooks'] });
  const w = T.settings.webhooks;
  const c = w.columns;
  return (
    <section className="panel" aria-labelledby="webhooks">
      <h2 id="webhooks">{w.title}</h2>
      <p className="muted small">{w.lead}</p>
      {hooks.error ? (
        <Failed error={hooks.error} retry={() => void hooks.refetch()} />
      ) : !hooks.data ? (
        <Loading />
      ) : hooks.data.items.length === 0 ? (
        <Empty title={w.empty} icon={Webhook}>
          {w.emptyHow}
        </Empty>
      ) : (
        <table className="table table-cards">
          <Columns of={[c.name, c.url, c.status, c.behind, c.dead, c.actions]} right={[c.behind, c.dead, c.actions]} />
          <tbody>
            {hooks.data.items.map((hook) => (
              <Row key={hook.name} of={hook} mayChange={mayChange} onSecret={setShown} onChanged={refresh} />
            ))}
          </tbody>
        </table>
      )}
      {mayChange && (
        <Register
          names={hooks.data?.items.map(({ name }) => name) ?? []}
          onSaved={(saved) => {
            setShown(saved);
            refresh();
          }}
        />
      )}
      {shown && (
        <SecretDialog
          title={w.secretTitle(shown.name)}
          how={w.secretHow}
          secret={shown.secret}
          onClose={() => setShown(undefined)}
        />
      )}
    </section>
  );
}

interface RowProps {
  readonly of: WebhookView;
  readonly mayChange: boolean;
  readonly onSecret: (shown: Shown) => void;
  readonly onChanged: () => void;
}

function Row({ of: hook, mayChange, onSecret, onChanged }: RowProps): ReactNode {
  const { name, url, logs, deadLetters } = hook;
  const [isRemoving, setRemoving] = useState(false);
  const test = useMutation({ mutationFn: () => post<AttemptAnswer>(`${pathOf(name)}/test`, {}), onSettled: onChanged });
  const rotate = useMutation({
    mutationFn: () => post<{ secret: string }>(`${pathOf(name)}/rotation`, {}),
    onSuccess: ({ secret }) => onSecret({ name, secret }),
  });
  const w = T.settings.webhooks;
  const c = w.columns;
  const behind = logs.reduce((sum, log) => sum + log.behind, 0);
  return (
    <tr>
      <th scope="row">{name}</th>
      <td data-label={c.url}>
        <AgentText>{url}</AgentText>
      </td>
      <td data-label={c.status}>
        <Status of={hook} />
        {test.data && <TestResult name={name} of={test.data} />}
        {(test.error ?? rotate.error) && <Failed error={test.error ?? rotate.error} />}
      </td>
      <td className="right num" data-label={c.behind}>
        {w.events(behind)}
      </td>
      <td className="right num" data-label={c.dead}>
        {w.events(deadLetters)}
      </td>
      <td className="right">
        {mayChange && (
          <span className="actions actions-end">
            <button
              type="button"
              className="button button-small"
              disabled={test.isPending}
              aria-label={w.testOf(name)}
              onClick={() => test.mutate()}
            >
              {w.test}
            </button>
            <button
              type="button"
              className="button button-small"
              disabled={rotate.isPending}
              aria-label={w.rotateOf(name)}
              onClick={() => rotate.mutate()}
            >
              {w.rotate}
            </button>
            <button
              type="button"
              className="button button-small button-bad"
              aria-label={w.removeOf(name)}
              onClick={() => setRemoving(true)}
            >
              {w.remove}
            </button>
          </span>
        )}
        {isRemoving && (
          <RemoveDialog
            name={name}
            onClose={() => {
              setRemoving(false);
              onChanged();
            }}
          />
        )}
      </td>
    </tr>
  );
}

/** Whether it sends, with the reason if it does not. */
function Status({ of: { enabled, disabled, logs } }: { of: WebhookView }): ReactNode {
  const w = T.settings.webhooks;
  const failing = logs.find(({ error }) => error !== undefined);
  if (!enabled)
    return (
      <>
        <span className="tag tag-idle">{w.off}</span>
        {disabled && (
          <p className="small">
            <AgentText>{disabled.reason}</AgentText>
          </p>
        )}
      </>
    );
  if (!failing) return <span className="tag tag-good">{w.on}</span>;
  return (
    <>
      <span className="tag tag-bad">{w.failing}</span>
      <p className="small">
        <AgentText>{failing.error}</AgentText>
        {failing.failingSince !== undefined && (
          <>
            {' '}
            {w.since} <When at={failing.failingSince} />
          </>
        )}
      </p>
    </>
  );
}

function TestResult({ name, of: { delivered, status, error } }: { name: string; of: AttemptAnswer }): ReactNode {
  const w = T.settings.webhooks;
  return (
    <p className="small" role="status">
      {delivered ? w.delivered(name) : w.notDelivered(name)}{' '}
      {!delivered && <AgentText>{error ?? String(status)}</AgentText>}
    </p>
  );
}

/** A new webhook has a generated secret, which is shown once. */
function Register({
  names,
  onSaved,
}: {
  names: readonly string[];
  onSaved: (saved: Shown | undefined) => void;
}): ReactNode {
  const [name, setName] = useState('');
  const [url, setUrl] = useState('');
  const [enabled, setEnabled] = useState(true);
  const save = useMutation({
    mutationFn: () => api<{ secret?: string }>('PUT', pathOf(name), { url, enabled }),
    onSuccess: ({ secret }) => {
      onSaved(secret === undefined ? undefined : { name, secret });
      setName('');
      setUrl('');
    },
  });
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    save.mutate();
  };
  const w = T.settings.webhooks;
  const exists = names.includes(name); // to save it here would replace settings that this form does not show
  return (
    <form className="confirm" onSubmit={submit} aria-labelledby="register">
      <h3 id="register">{w.form}</h3>
      <div className="field-row">
        <label className="field">
          {w.name}
          <input
            required
            pattern="[a-z0-9]([a-z0-9\-]{0,30}[a-z0-9])?"
            maxLength={32}
            placeholder="siem"
            spellCheck={false}
            autoComplete="off"
            value={name}
            onChange={({ target }) => setName(target.value)}
          />
        </label>
        <label className="field">
          {w.url}
          <input
            required
            type="url"
            maxLength={2_048}
            placeholder="https://siem.example.com/bailiwick"
            spellCheck={false}
            autoComplete="off"
            value={url}
            onChange={({ target }) => setUrl(target.value)}
          />
        </label>
        <label className="check">
          <input type="checkbox" checked={enabled} onChange={({ target }) => setEnabled(target.checked)} />
          {w.enabled}
        </label>
        <button type="submit" className="button button-primary" disabled={save.isPending || exists}>
          {w.save}
        </button>
      </div>
      {exists && <p role="status">{w.exists(name)}</p>}
      {save.error && <Failed error={save.error} />}
    </form>
  );
}

function RemoveDialog({ name, onClose }: { name: string; onClose: () => void }): ReactNode {
  const remove = useMutation({ mutationFn: () => api('DELETE', pathOf(name)), onSuccess: onClose });
  const w = T.settings.webhooks;
  return (
    <Dialog title={w.removeOf(name)} onClose={onClose}>
      <p>{w.removeText}</p>
      {remove.error && <Failed error={remove.error} />}
      <p className="actions actions-end">
        <button type="button" className="button" onClick={onClose}>
          {T.cancel}
        </button>
        <button
          type="button"
          className="button button-bad-solid"
          disabled={remove.isPending}
          onClick={() => remove.mutate()}
        >
          {w.remove}
        </button>
      </p>
    </Dialog>
  );
}
