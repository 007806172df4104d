import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TokenClaims } from '@bailiwick/edge/tokens/grant-token';
import type { FastifyReply } from 'fastify';
import { AnswerStream } from './answer-stream';
import { ClientAnswers } from './client-answers';

describe('AnswerStream', () => {
  it('is open for its client before there is a message to send', async () => {
    let stream: AnswerStream | undefined;
    const server = createServer((_request, raw: ServerResponse) => {
      const reply = { raw, hijack: () => undefined } as unknown as FastifyReply;
      stream = new AnswerStream(reply, {} as TokenClaims, new ClientAnswers());
      stream.start();
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    const [response] = (await once(get({ port, host: '127.0.0.1', agent: false }), 'response')) as [IncomingMessage];
    expect(response.headers['content-type']).toBe('text/event-stream');
    stream?.close();
    await once(response.resume(), 'end');
    server.close();
  });
});
