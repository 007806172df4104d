export { ambiguityIn, exceedsValues } from '#kernel/json';
