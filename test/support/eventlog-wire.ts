import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A network between a client and its database that can lose the answer to what was asked. */
export interface Wire {
  readonly url: string;
  /** From now on the database's answers are lost; once there was one, every connection breaks. Resolves then. */
  breakAtNextAnswer(): Promise<void>;
  close(): Promise<void>;
}

/** @param url of the real database */
export async function wireTo(url: string): Promise<Wire> {
  const target = new URL(url);
  const sockets = new Set<Socket>();
  let broken: (() => void) | undefined;
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  };
  const server = createServer((client) => {
    const database = connect(Number(target.port), target.hostname);
    keep(client);
    keep(database);
    client.pipe(database);
    database.on('data', (bytes) => {
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
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
