import { Module } from '@nestjs/common';
import { ActionDecisionsModule } from '../actions/action-decisions.module';
import { Pseudonyms } from '../auth/pseudonyms';
import { AuthzenController } from './authzen.controller';
import { SearchCandidates } from './candidates';
import { Evaluations } from './evaluations';
import { PageTokens } from './page-tokens';
import { AccessRequests } from './requests/access-requests';
import { DenialBindings } from './requests/denial-bindings';
import { RequestableDenials } from './requests/requestable-denials';
import { RequestsController } from './requests/requests.controller';
import { SearchController } from './search.controller';
import { Searches } from './searches';
import { Subjects } from './subjects';

@Module({
  imports: [ActionDecisionsModule],
  controllers: [AuthzenController, SearchController, RequestsController],
  providers: [
    AccessRequests,
    DenialBindings,
    RequestableDenials,
    Evaluations,
    Searches,
    SearchCandidates,
    Subjects,
    { provide: PageTokens, inject: [Pseudonyms], useFactory: pageTokens },
  ],
})
export class AuthzenModule {}

/** All gateways make the same key, from the secret that they share. */
function pageTokens(pseudonyms: Pseudonyms): PageTokens {
  return new PageTokens(pseudonyms.keyFor('AuthZEN page tokens'));
}
