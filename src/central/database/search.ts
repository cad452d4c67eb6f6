/** One spelling for what people write alike: full and half width (NFKC), upper and lower case. */
export const normaliseForSearch = (text: string): string => text.normalize('NFKC').toLowerCase();
