import './plain-schemas';
import { useState, type SubmitEvent, type ReactNode } from 'react';
import { Check, CircleCheck, CircleX, Printer, X } from 'lucide-react';
import { verifyReceipt, type Verification } from '@bailiwick/receipts/web/index';
import { api } from '../../api/client';
import { AgentText } from '../../parts/agent-text';
import { useCaller } from '../../session/session';
import { T } from '../../texts';

/** Verifies the text of a receipt in this browser, against keys that the person gives. */
export function ReceiptCheck({ text }: { text: string }): ReactNode {
  const session = useCaller();
  const [keys, setKeys] = useState('');
  const [result, setResult] = useState<Verification | 'not JSON'>();
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    setResult(verified(text, keys));
  };
  const fetchKey = (): void =>
    void api<string>('GET', `/log/${session.tenant}/0/vkey`, undefined, { text: true }).then(
      (key) => setKeys(key.trim()),
      () => undefined,
    );
  return (
    <div className="receipt-check">
      <form onSubmit={submit} className="no-print">
        <label className="field">
          {T.receipt.key}
          <textarea
            rows={2}
            required
            spellCheck={false}
            placeholder={T.receipt.keyPaste}
            value={keys}
            onChange={({ target }) => setKeys(target.value)}
          />
        </label>
        <p className="actions">
          <button type="submit" className="button button-primary" disabled={text.trim() === ''}>
            <CircleCheck aria-hidden size={16} /> {T.receipt.run}
          </button>
          <button type="button" className="button" onClick={fetchKey}>
            {T.receipt.keyFetch}
          </button>
          <span className="muted small">{T.receipt.keyFetchNote}</span>
        </p>
      </form>
      {result === 'not JSON' && (
        <p className="notice notice-bad" role="alert">
          {T.receipt.notJson}
        </p>
      )}
      {result !== undefined && result !== 'not JSON' && <Result of={result} />}
    </div>
  );
}

function verified(text: string, keys: string): Verification | 'not JSON' {
  try {
    JSON.parse(text);
  } catch {
    return 'not JSON';
  }
  return verifyReceipt(
    text,
    keys
      .split('\n')
      .map((key) => key.trim())
      .filter((key) => key !== ''),
  );
}

function Result({ of }: { of: Verification }): ReactNode {
  const claims = of.ok && of.statement ? claimsOf(of.statement.predicate) : undefined;
  return (
    <section className="receipt-result" aria-live="polite">
      <h2 className={of.ok ? 'verdict verdict-good' : 'verdict verdict-bad'}>
        {of.ok ? <CircleCheck aria-hidden size={22} /> : <CircleX aria-hidden size={22} />}
        {of.ok ? T.receipt.verified : T.receipt.failed}
        <span className="grow" />
        <button type="button" className="button no-print" onClick={() => print()}>
          <Printer aria-hidden size={16} /> {T.run.receiptPrint}
        </button>
      </h2>
      {claims && <Claims of={claims} />}
      <h3>{T.receipt.steps}</h3>
      <ol className="steps">
        {of.steps.map((step) => (
          <li key={step.step} className={step.ok ? 'step-good' : 'step-bad'}>
            {step.ok ? <Check aria-hidden size={16} /> : <X aria-hidden size={16} />}
            <span>
              {step.name}{' '}
              <span className="muted">
                <AgentText>{step.detail}</AgentText>
              </span>
            </span>
          </li>
        ))}
      </ol>
      {claims && (
        <>
          <h3>{T.receipt.notProved}</h3>
          <ul className="sentences">
            {claims.doesNotProve.map((each) => (
              <li key={each}>
                <AgentText>{each}</AgentText>
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}

interface Shown {
  readonly run?: string;
  readonly purpose?: string;
  readonly requestedBy?: string;
  readonly ended?: string;
  readonly actions?: number;
  readonly denied?: number;
  readonly doesNotProve: readonly string[];
}

/** The claims that people read, of a receipt that verified. */
function claimsOf(predicate: Readonly<Record<string, unknown>>): Shown {
  const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
  const countOf = (value: unknown): number | undefined => (Array.isArray(value) ? value.length : undefined);
  const ended = predicate.ended as { at?: string; reason?: string } | undefined;
  const run = predicate.run as { id?: string } | string | undefined;
  return {
    run: typeof run === 'object' ? run.id : run,
    purpose: textOf(predicate.purpose),
    requestedBy: textOf(predicate.requestedBy),
    ended: ended?.at === undefined ? undefined : `${ended.at} ${ended.reason ?? ''}`,
    actions: countOf(predicate.actions),
    denied: countOf(predicate.denied),
    doesNotProve: Array.isArray(predicate.doesNotProve) ? predicate.doesNotProve.map(String) : [],
  };
}

function Claims({ of }: { of: Shown }): ReactNode {
  const f = T.receipt.fields;
  const rows = [
    [f.run, of.run],
    [f.purpose, of.purpose],
    [f.requestedBy, of.requestedBy],
    [f.ended, of.ended],
    [f.actions, of.actions],
    [f.denied, of.denied],
  ] as const;
  return (
    <dl className="facts">
      {rows.map(
        ([name, value]) =>
          value !== undefined && (
            <div key={name}>
              <dt>{name}</dt>
              <dd>
                <AgentText>{value}</AgentText>
              </dd>
            </div>
          ),
      )}
    </dl>
  );
}
