import { Controller } from '@nestjs/common';
import { signInAnswer } from '@bailiwick/contracts/http/bodies';
import type { z } from 'zod';
import { Issuers } from '../auth/issuers/issuers';
import { Endpoint } from '../http/endpoints/endpoint';

/** How people sign in: what a client needs before it has a token, and nothing else of the configuration. */
@Controller()
export class SignInController {
  constructor(private readonly issuers: Issuers) {}

  @Endpoint({
    method: 'GET',
    path: '/v1/sign-in',
    summary: 'The issuers at which people sign in, with the public client of the command line',
    roles: 'public',
    answer: signInAnswer,
  })
  list(): z.infer<typeof signInAnswer> {
    const issuers = this.issuers.configured.flatMap(({ issuer, login }) => (login ? [{ issuer, ...login }] : []));
    const atConsole = this.issuers.configured.flatMap(({ issuer, console: client }) => (client ? [{ issuer }] : []));
    return { issuers, console: atConsole };
  }
}
