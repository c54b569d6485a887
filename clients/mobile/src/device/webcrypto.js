// Stands in for `lib0/webcrypto`: phones have `crypto` as browsers do, once `needs.ts` has run.
export const subtle = undefined;
export const getRandomValues = (array) => globalThis.crypto.getRandomValues(array);
