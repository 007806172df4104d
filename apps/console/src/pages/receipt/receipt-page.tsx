import { useState, type ReactNode } from 'react';
import { T } from '../../texts';
import { ReceiptCheck } from './receipt-check';

const LARGEST = 64 * 1024 * 1024;

/** Checks a receipt from anywhere. */
export function ReceiptPage(): ReactNode {
  const [text, setText] = useState('');
  const read = async (file: File | undefined): Promise<void> => {
    if (file && file.size <= LARGEST) setText(await file.text());
  };
  return (
    <div className="page page-narrow">
      <header className="page-head">
        <h1>{T.receipt.title}</h1>
        <p className="muted">{T.receipt.lead}</p>
      </header>
      <label className="field no-print">
        {T.receipt.filePaste}
        <textarea
          rows={6}
          spellCheck={false}
          className="mono"
          value={text}
          onChange={({ target }) => setText(target.value)}
        />
      </label>
      <label className="field no-print">
        {T.receipt.choose}
        <input type="file" accept=".json,application/json" onChange={({ target }) => void read(target.files?.[0])} />
      </label>
      <ReceiptCheck key={text} text={text} />
    </div>
  );
}
