// A bare Fastify server that parses a JSON body and sends it back: the minimum work of an HTTP service in Node.js.
import Fastify from 'fastify';

const app = Fastify();
app.post('/echo', (request) => request.body);
await app.listen({ host: '127.0.0.1', port: Number(process.argv[2]) });
process.stdout.write('ready\n');
