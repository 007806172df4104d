// A NATS responder that parses a JSON message and sends it back: the minimum work of a service on the bus.
import { connect } from 'nats';

const [url, user, pass, subject] = process.argv.slice(2);
const nats = await connect({ servers: url.replace(/^nats:\/\//, ''), user, pass });
nats.subscribe(subject, {
  callback: (_error, msg) => msg.respond(Buffer.from(JSON.stringify(JSON.parse(Buffer.from(msg.data).toString())))),
});
await nats.flush();
process.stdout.write('ready\n');
