import { Controller } from '@nestjs/common';
import { z } from 'zod';
import { freeText } from '@bailiwick/contracts/primitives';
import {
  CAEP_SESSION_REVOKED,
  POLL,
  streamId,
  streamStatus,
  type StoredStream,
} from '@bailiwick/contracts/signals/ssf-stream';
import { systemClock } from '@bailiwick/core/clock';
import { LIMITS } from '@bailiwick/core/limits';
import type { Role } from '../auth/roles';
import { Body, Ctx, Endpoint, Params, Query } from '../http/endpoints/endpoint';
import { Refused } from '../http/problems/problem';
import type { RequestContext } from '../http/request-context';
import { Reply } from '../http/responses/http-response';
import { SsfStreams } from './ssf-streams';
import { SsfTokens } from './ssf-tokens';

/** They may read the events that the tokens are made from; enforcement points act on them. */
const RECEIVERS: readonly Role[] = ['analyst', 'enforcer'];
const SUPPORTED = [CAEP_SESSION_REVOKED];

const delivery = z.strictObject({
  method: z.literal(POLL),
  /** the transmitter's: where the receiver polls */
  endpoint_url: z.string().max(2_048).optional(),
});
const requested = z.array(z.string().min(1).max(500)).max(32);
/** Members of the transmitter may be sent back; they must be as it has them. */
const ofTransmitter = {
  iss: z.string().optional(),
  aud: z.string().optional(),
  events_supported: z.array(z.string()).optional(),
  events_delivered: z.array(z.string()).optional(),
  min_verification_interval: z.number().optional(),
};
const createBody = z.strictObject({
  delivery: delivery.optional(),
  events_requested: requested.optional(),
  description: freeText(500).optional(),
});
const changeBody = createBody.extend({ stream_id: streamId, ...ofTransmitter });
const streamView = z.looseObject({ stream_id: streamId });
const named = z.strictObject({ stream_id: streamId });
const maybeNamed = z.strictObject({ stream_id: streamId.optional() });
const statusBody = z.strictObject({ stream_id: streamId, status: streamStatus, reason: freeText(500).optional() });
const verificationBody = z.strictObject({ stream_id: streamId, state: z.string().max(1_000).optional() });
const pollBody = z.strictObject({
  ack: z.array(z.string().max(500)).max(1_000).optional(),
  setErrs: z
    .record(z.string().max(500), z.looseObject({ err: z.string(), description: z.string() }))
    .refine((errors) => Object.keys(errors).length <= 1_000, { error: 'must have at most 1,000 tokens' })
    .optional(),
  maxEvents: z.int().min(0).optional(),
  returnImmediately: z.boolean().optional(),
});
const polled = z.object({ sets: z.record(z.string(), z.string()), moreAvailable: z.boolean() });
const inPath = z.strictObject({ id: streamId });
const NO_STORE = { 'cache-control': 'no-store' };
type Change = z.infer<typeof changeBody>;

/** Transmits the ends of leases as security events (SSF 1.0), to receivers that poll (RFC 8936). */
@Controller()
export class SsfController {
  constructor(
    private readonly streams: SsfStreams,
    private readonly tokens: SsfTokens,
  ) {}

  @Endpoint({
    method: 'GET',
    path: '/.well-known/ssf-configuration',
    summary: 'The metadata of the transmitter of security events (SSF 1.0)',
    roles: 'public',
  })
  metadata(): Reply {
    const { issuer } = this.tokens;
    const metadata = {
      spec_version: '1_0',
      issuer,
      jwks_uri: `${issuer}/oauth/jwks`,
      delivery_methods_supported: [POLL],
      configuration_endpoint: `${issuer}/v1/ssf/streams`,
      status_endpoint: `${issuer}/v1/ssf/status`,
      verification_endpoint: `${issuer}/v1/ssf/verification`,
      authorization_schemes: [{ spec_urn: 'urn:ietf:rfc:6750' }],
      default_subjects: 'ALL',
    };
    return Reply.json(metadata, { headers: { 'cache-control': 'public, max-age=300' } });
  }

  @Endpoint({
    method: 'POST',
    path: '/v1/ssf/streams',
    summary: 'Create a stream of the security events from now on, for this key (SSF 1.0 section 8.1.1)',
    roles: RECEIVERS,
    answer: streamView,
    status: 201,
  })
  async create(
    @Ctx() { caller, request }: RequestContext,
    @Body(createBody) body: z.infer<typeof createBody>,
  ): Promise<Reply> {
    if (body.delivery?.endpoint_url !== undefined)
      throw new Refused('BAD_REQUEST', 'delivery.endpoint_url is the address to poll, which the response has');
    const key = request.headers['idempotency-key'];
    return this.shown(await this.streams.create(caller, settingsOf(body), [key].flat()[0]), 201);
  }

  @Endpoint({
    method: 'GET',
    path: '/v1/ssf/streams',
    summary: 'The streams of this key, or one of them',
    roles: RECEIVERS,
    answer: z.union([streamView, z.array(streamView)]),
  })
  async read(
    @Ctx() { caller }: RequestContext,
    @Query(maybeNamed) { stream_id: id }: z.infer<typeof maybeNamed>,
  ): Promise<Reply> {
    if (id !== undefined) return this.shown(await this.streams.find(caller, id));
    const all = await this.streams.list(caller);
    return Reply.json(
      all.map((each) => this.view(each)),
      { headers: NO_STORE },
    );
  }

  @Endpoint({
    method: 'PATCH',
    path: '/v1/ssf/streams',
    summary: 'Change the members of a stream that are given',
    roles: RECEIVERS,
    answer: streamView,
  })
  async update(@Ctx() { caller }: RequestContext, @Body(changeBody) body: Change): Promise<Reply> {
    const stream = await this.unchanged(caller, body);
    const settings = { ...stream.settings, ...settingsOf(body, stream.settings.requested) };
    return this.saved(caller, stream, settings);
  }

  @Endpoint({
    method: 'PUT',
    path: '/v1/ssf/streams',
    summary: 'Replace the configuration of a stream',
    roles: RECEIVERS,
    answer: streamView,
  })
  async replace(@Ctx() { caller }: RequestContext, @Body(changeBody) body: Change): Promise<Reply> {
    const stream = await this.unchanged(caller, body);
    return this.saved(caller, stream, settingsOf(body));
  }

  @Endpoint({
    method: 'DELETE',
    path: '/v1/ssf/streams',
    summary: 'Remove a stream, with what it has not delivered',
    roles: RECEIVERS,
    status: 204,
  })
  async remove(
    @Ctx() { caller }: RequestContext,
    @Query(named) { stream_id: id }: z.infer<typeof named>,
  ): Promise<Reply> {
    await this.streams.remove(caller, id);
    return Reply.text('', 'text/plain; charset=utf-8', NO_STORE, 204);
  }

  @Endpoint({
    method: 'GET',
    path: '/v1/ssf/status',
    summary: 'The status of a stream',
    roles: RECEIVERS,
    answer: statusBody,
  })
  async status(
    @Ctx() { caller }: RequestContext,
    @Query(named) { stream_id: id }: z.infer<typeof named>,
  ): Promise<Reply> {
    return statusReply(await this.streams.find(caller, id));
  }

  @Endpoint({
    method: 'POST',
    path: '/v1/ssf/status',
    summary: 'Enable a stream, pause it (events wait), or disable it (events until it is enabled are not sent)',
    roles: RECEIVERS,
    answer: statusBody,
  })
  async setStatus(
    @Ctx() { caller }: RequestContext,
    @Body(statusBody) { stream_id: id, status, reason }: z.infer<typeof statusBody>,
  ): Promise<Reply> {
    const { reason: _former, ...stream } = await this.streams.find(caller, id);
    const changed = { ...stream, status, ...(reason === undefined ? {} : { reason }) };
    await this.streams.save(changed, stream.status === 'disabled' && status !== 'disabled');
    return statusReply(changed);
  }

  @Endpoint({
    method: 'POST',
    path: '/v1/ssf/verification',
    summary: 'Have a verification event sent over a stream',
    roles: RECEIVERS,
    status: 204,
  })
  async verify(
    @Ctx() { caller }: RequestContext,
    @Body(verificationBody) { stream_id: id, state }: z.infer<typeof verificationBody>,
  ): Promise<Reply> {
    const stream = await this.streams.find(caller, id);
    const at = systemClock.now();
    if (stream.verification && at - stream.verification.at < LIMITS.signals.verificationMs)
      throw new Refused('TOO_MANY', `verification may be asked for every ${LIMITS.signals.verificationMs / 1_000} s`);
    const verification = { at, isDone: false, ...(state === undefined ? {} : { state }) };
    await this.streams.save({ ...stream, verification });
    return Reply.text('', 'text/plain; charset=utf-8', NO_STORE, 204);
  }

  @Endpoint({
    method: 'POST',
    path: '/v1/ssf/streams/:id/poll',
    summary: 'Acknowledge security event tokens of a stream, and get the next ones (RFC 8936)',
    roles: RECEIVERS,
    answer: polled,
  })
  async poll(
    @Ctx() { caller }: RequestContext,
    @Params(inPath) { id }: z.infer<typeof inPath>,
    @Body(pollBody) body: z.infer<typeof pollBody>,
  ): Promise<Reply> {
    return Reply.json(await this.streams.poll(caller, id, body), { headers: NO_STORE });
  }

  /** @throws Refused BAD_REQUEST if a member of the transmitter is not as it has it; NOT_FOUND */
  private async unchanged(caller: RequestContext['caller'], body: Change): Promise<StoredStream> {
    const stream = await this.streams.find(caller, body.stream_id);
    const view = this.view(stream);
    for (const name of ['iss', 'aud', 'events_supported', 'min_verification_interval'] as const)
      if (body[name] !== undefined && JSON.stringify(body[name]) !== JSON.stringify(view[name]))
        throw new Refused('BAD_REQUEST', `${name} is that of the transmitter: leave it out, or send what it has`);
    const { endpoint_url: url } = body.delivery ?? {};
    if (url !== undefined && url !== view.delivery.endpoint_url)
      throw new Refused('BAD_REQUEST', 'delivery.endpoint_url is that of the transmitter');
    return stream;
  }

  /** Events from before the stream asked for them are not sent. */
  private async saved(
    caller: RequestContext['caller'],
    stream: StoredStream,
    settings: StoredStream['settings'],
  ): Promise<Reply> {
    const isNew = (type: string): boolean =>
      settings.requested.includes(type) && !stream.settings.requested.includes(type);
    await this.streams.save({ ...stream, settings }, SUPPORTED.some(isNew));
    return this.shown(await this.streams.find(caller, stream.id));
  }

  private shown(stream: StoredStream, status = 200): Reply {
    return Reply.json(this.view(stream), { status, headers: NO_STORE });
  }

  private view({ id, settings }: StoredStream) {
    return {
      stream_id: id,
      iss: this.tokens.issuer,
      aud: this.tokens.audience(id),
      delivery: { method: POLL, endpoint_url: `${this.tokens.audience(id)}/poll` },
      events_supported: SUPPORTED,
      events_requested: settings.requested,
      events_delivered: SUPPORTED.filter((each) => settings.requested.includes(each)),
      min_verification_interval: LIMITS.signals.verificationMs / 1_000,
      ...(settings.description === undefined ? {} : { description: settings.description }),
    };
  }
}

/** Requests what is supported unless it names events. */
const settingsOf = (
  { events_requested: events, description }: z.infer<typeof createBody>,
  former: string[] = SUPPORTED,
): StoredStream['settings'] => ({
  requested: events ?? former,
  ...(description === undefined ? {} : { description }),
});

const statusReply = ({ id, status, reason }: Pick<StoredStream, 'id' | 'status' | 'reason'>): Reply =>
  Reply.json({ stream_id: id, status, ...(reason === undefined ? {} : { reason }) }, { headers: NO_STORE });
