import { useState, type ReactNode } from 'react';
import { T } from '../texts';
import { Dialog } from './dialog';

interface Props {
  readonly title: string;
  /** what to do with it */
  readonly how: string;
  readonly secret: string;
  readonly onClose: () => void;
}

/** Shows a secret once. It is kept in no store of the page. */
export function SecretDialog({ title, how, secret, onClose }: Props): ReactNode {
  const [isCopied, setCopied] = useState(false);
  return (
    <Dialog title={title} onClose={onClose}>
      <p>{how}</p>
      <pre className="command" tabIndex={0}>
        {secret}
      </pre>
      <p className="actions actions-end">
        <button
          type="button"
          className="button"
          onClick={() => void navigator.clipboard.writeText(secret).then(() => setCopied(true))}
        >
          {isCopied ? T.copied : T.copy}
        </button>
        <button type="button" className="button button-primary" onClick={onClose}>
          {T.close}
        </button>
      </p>
    </Dialog>
  );
}
