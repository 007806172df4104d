import { config } from 'zod';

// Schemas are compiled with `new Function` otherwise, which the content security policy of the page refuses. This module
// is imported before the ones that make schemas.
config({ jitless: true });
