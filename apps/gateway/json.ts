export { ambiguityIn } from '#kernel/json';
