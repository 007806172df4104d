/** Whether a key is meant for a field, a dialog or the browser, so that it is no shortcut of the page. */
export const isTyping = ({ target, ctrlKey, metaKey, altKey }: KeyboardEvent): boolean =>
  ctrlKey ||
  metaKey ||
  altKey ||
  document.querySelector('dialog[open]') !== null ||
  (target instanceof HTMLElement &&
    /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) &&
    !(target instanceof HTMLInputElement && target.type === 'radio'));
