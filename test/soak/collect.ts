import { setTimeout as delay } from 'node:timers/promises';
import { isFree } from '@bailiwick/platform/local-servers/ports';
import { until } from '../support/stack';

const PORT = 9229;
const LIST = `http://127.0.0.1:${PORT}/json`;
const TIMEOUT_MS = 5_000;
const DISCONNECT_MS = 300;

/**
 * Forces a garbage collection in a Node process and returns the KB of objects and buffers that remain. Without it, a
 * process with plenty of memory does not collect for many minutes. A signal opens the process's inspector, which is
 * closed again afterwards.
 * @throws if another process uses the inspector's port
 */
export async function collect(pid: number): Promise<number> {
  const kept = await within(pid);
  // otherwise the next process finds the port in use and does not retry
  await until('the inspector to close', () => isFree(PORT), TIMEOUT_MS);
  return kept;
}

async function within(pid: number): Promise<number> {
  process.kill(pid, 'SIGUSR1');
  const inspector = await Inspector.open();
  try {
    const inspectedPid = await inspector.evaluate('process.pid');
    if (inspectedPid !== pid) throw new Error(`process ${inspectedPid} listens on the inspector's port, not ${pid}`);
    // the second collection frees the objects that the first one finalized
    for (let i = 0; i < 2; i++) await inspector.call('HeapProfiler.collectGarbage');
    const bytes = await inspector.evaluate('(({ heapUsed, external }) => heapUsed + external)(process.memoryUsage())');
    // closing blocks the process until its connections are closed, so this one must be closed by then
    await inspector.evaluate(`setTimeout(() => process.getBuiltinModule('inspector').close(), ${DISCONNECT_MS}), 0`);
    return bytes / 1_024;
  } finally {
    await inspector.close();
  }
}

class Inspector {
  private readonly waiting = new Map<number, (result: unknown) => void>();
  private calls = 0;
  private readonly closed: Promise<void>;

  private constructor(private readonly socket: WebSocket) {
    this.closed = new Promise((resolve) => socket.addEventListener('close', () => resolve()));
    socket.addEventListener('message', ({ data }) => {
      const { id, result } = JSON.parse(String(data)) as { id?: number; result?: unknown };
      this.waiting.get(id ?? -1)?.(result);
    });
  }

  static async open(): Promise<Inspector> {
    for (const end = Date.now() + TIMEOUT_MS; ; await delay(50)) {
      try {
        const [target] = (await (await fetch(LIST, { headers: { connection: 'close' } })).json()) as {
          webSocketDebuggerUrl: string;
        }[];
        const socket = new WebSocket(target!.webSocketDebuggerUrl);
        await new Promise((resolve, reject) => {
          socket.addEventListener('open', resolve);
          socket.addEventListener('error', () => reject(new Error('the inspector refuses the connection')));
        });
        return new Inspector(socket);
      } catch (error) {
        if (Date.now() > end) throw new Error(`the inspector did not open on port ${PORT}`, { cause: error });
      }
    }
  }

  /** Evaluates an expression in the inspected process and returns the resulting number. */
  async evaluate(expression: string): Promise<number> {
    const { result } = (await this.call('Runtime.evaluate', { expression })) as { result: { value: number } };
    return result.value;
  }

  call(method: string, params: object = {}): Promise<unknown> {
    const id = (this.calls += 1);
    this.socket.send(JSON.stringify({ id, method, params }));
    return new Promise((resolve) => this.waiting.set(id, resolve));
  }

  async close(): Promise<void> {
    this.socket.close();
    await this.closed;
  }
}
