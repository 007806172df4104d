import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A proxy between a client and its server (a database, NATS) that can drop responses and connections. */
export interface Wire {
  readonly url: string;
  /** Drops the server's next response, closes every connection, then resolves. */
  breakAtNextAnswer(): Promise<void>;
  /** Closes every connection and rejects new ones until `mend` is called. */
  cut(): void;
  mend(): void;
  /** Discards all further traffic in both directions but keeps every connection open. */
  hush(): void;
  close(): Promise<void>;
}

/** @param url of the real server */
export async function wireTo(url: string): Promise<Wire> {
  const target = new URL(url);
  const sockets = new Set<Socket>();
  let broken: (() => void) | undefined;
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  };
  let whole = true;
  let hushed = false;
  const server = createServer((client) => {
    if (!whole) return void client.destroy();
    const database = connect(Number(target.port), target.hostname);
    keep(client);
    keep(database);
    client.on('data', (bytes) => {
      if (!hushed) database.write(bytes);
    });
    database.on('data', (bytes) => {
      if (hushed) return;
      if (!broken) return void client.write(bytes);
      for (const socket of sockets) socket.destroy();
      broken();
      broken = undefined;
    });
    database.on('close', () => client.destroy());
    client.on('close', () => database.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const own = new URL(url);
  own.hostname = '127.0.0.1';
  own.port = String((server.address() as AddressInfo).port);
  return {
    url: own.toString(),
    breakAtNextAnswer: () => new Promise((resolve) => (broken = resolve)),
    cut: () => {
      whole = false;
      for (const socket of sockets) socket.destroy();
    },
    mend: () => void (whole = true),
    hush: () => void (hushed = true),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
