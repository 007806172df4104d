import { lazy, Suspense, useState, type ReactNode } from 'react';
import { useMutation } from '@tanstack/react-query';
import { Download, FileCheck2 } from 'lucide-react';
import { api } from '../../api/client';
import { Failed, Loading } from '../../parts/states';
import { T } from '../../texts';

const ReceiptCheck = lazy(() =>
  import('../receipt/receipt-check').then(({ ReceiptCheck: check }) => ({ default: check })),
);

/** Fetches the receipt of a run, saves it, and verifies it here. */
export function ReceiptTab({ runId }: { runId: string }): ReactNode {
  const [isVerifying, setVerifying] = useState(false);
  const receipt = useMutation({
    mutationFn: () => api<string>('GET', `/v1/runs/${runId}/receipt`, undefined, { text: true }),
  });
  return (
    <section aria-labelledby="receipt-tab">
      <h2 id="receipt-tab">{T.run.receiptLead}</h2>
      {receipt.error && <Failed error={receipt.error} retry={() => receipt.mutate()} />}
      <p className="actions">
        {receipt.data === undefined ? (
          <button
            type="button"
            className="button button-primary"
            disabled={receipt.isPending}
            onClick={() => receipt.mutate()}
          >
            <FileCheck2 aria-hidden size={16} /> {T.run.receiptGet}
          </button>
        ) : (
          <>
            <button type="button" className="button button-primary" onClick={() => setVerifying(true)}>
              <FileCheck2 aria-hidden size={16} /> {T.run.receiptVerify}
            </button>
            <button type="button" className="button" onClick={() => save(`${runId}.receipt.json`, receipt.data)}>
              <Download aria-hidden size={16} /> {T.run.receiptSave}
            </button>
          </>
        )}
      </p>
      {isVerifying && receipt.data !== undefined && (
        <Suspense fallback={<Loading />}>
          <ReceiptCheck text={receipt.data} />
        </Suspense>
      )}
    </section>
  );
}

function save(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
