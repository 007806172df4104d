export { ambiguityIn, exceedsValues } from '@bailiwick/core/json';
