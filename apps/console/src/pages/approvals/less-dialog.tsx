import { useState, type SubmitEvent, type ReactNode } from 'react';
import { Dialog } from '../../parts/dialog';
import { T } from '../../texts';

/** Asks for the limits with which a lease is approved. A field that is left empty approves what was asked for. */
export function LessDialog({
  onClose,
  onApprove,
}: {
  onClose: () => void;
  onApprove: (grant: unknown) => void;
}): ReactNode {
  const [calls, setCalls] = useState('');
  const [minutes, setMinutes] = useState('');
  const [usd, setUsd] = useState('');
  const [allow, setAllow] = useState('');
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const verbs = allow
      .split('\n')
      .map((each) => each.trim())
      .filter((each) => each !== '');
    const budget = {
      ...(calls === '' ? {} : { calls: Number(calls) }),
      ...(usd === '' ? {} : { cost: { USD: Number(usd) } }),
    };
    onApprove({
      ...(Object.keys(budget).length === 0 ? {} : { budget }),
      ...(minutes === '' ? {} : { time: { ttl: `${minutes}m` } }),
      ...(verbs.length === 0 ? {} : { actions: { allow: verbs } }),
    });
  };
  return (
    <Dialog title={T.approvals.lessTitle} onClose={onClose}>
      <form onSubmit={submit}>
        <p className="muted">{T.approvals.lessText}</p>
        <div className="field-row">
          <label className="field">
            {T.approvals.lessCalls}
            <input
              type="number"
              min={0}
              step={1}
              data-focus
              value={calls}
              onChange={({ target }) => setCalls(target.value)}
            />
          </label>
          <label className="field">
            {T.approvals.lessMinutes}
            <input type="number" min={1} step={1} value={minutes} onChange={({ target }) => setMinutes(target.value)} />
          </label>
          <label className="field">
            {T.approvals.lessMoney('USD')}
            <input type="number" min={0} step={1} value={usd} onChange={({ target }) => setUsd(target.value)} />
          </label>
        </div>
        <label className="field">
          {T.approvals.lessAllow}
          <textarea rows={3} spellCheck={false} value={allow} onChange={({ target }) => setAllow(target.value)} />
        </label>
        <p className="actions actions-end">
          <button type="button" className="button" onClick={onClose}>
            {T.cancel}
          </button>
          <button type="submit" className="button button-primary">
            {T.approvals.approve}
          </button>
        </p>
      </form>
    </Dialog>
  );
}
